"""The command ``suwen corpus stats``."""

from __future__ import annotations


def stats() -> None:
    """To be written."""
