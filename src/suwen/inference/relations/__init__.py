"""Relation models at run time; never imports torch."""
