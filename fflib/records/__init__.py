"""What a run leaves behind: the numbers measured on it, kept in stores that find them again."""
