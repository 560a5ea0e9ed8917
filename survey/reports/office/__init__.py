"""A report as files that an office edits: Excel with notes, Word."""
