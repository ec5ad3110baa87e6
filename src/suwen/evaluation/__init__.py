"""Scores, significance, error analysis and reports, all on Documents."""
