"""The command ``suwen corpus check``."""

from __future__ import annotations


def check() -> None:
    """To be written."""
