"""The book: chapters into figures, tables, explorers and pages."""
