"""The analyses of the study: tables of numbers from records, one module per chapter."""
