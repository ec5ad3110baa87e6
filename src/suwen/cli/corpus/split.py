"""The command ``suwen corpus split``."""

from __future__ import annotations


def split() -> None:
    """To be written."""
