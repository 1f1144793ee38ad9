"""Answers as people write them: files, sheets, names and numbers, read into entries."""
