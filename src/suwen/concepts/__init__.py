"""Concepts: which mentions mean the same, their codes, and whether the text affirms them; neither torch nor SQLite."""
