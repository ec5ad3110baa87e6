"""The command ``suwen corpus convert``."""

from __future__ import annotations


def convert() -> None:
    """To be written."""
