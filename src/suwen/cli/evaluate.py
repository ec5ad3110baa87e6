"""The command `suwen evaluate`."""

from __future__ import annotations


def evaluate() -> None:
    """To be written."""
