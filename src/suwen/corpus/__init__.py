"""Checking, describing and splitting corpora."""
