"""The command `suwen extract`."""

from __future__ import annotations


def extract() -> None:
    """To be written."""
