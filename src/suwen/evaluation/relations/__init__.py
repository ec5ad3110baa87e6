"""Scores and errors of relations."""
