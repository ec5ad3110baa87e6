"""Training of relation models."""
