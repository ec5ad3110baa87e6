"""Encoders, heads and taggers in torch."""
