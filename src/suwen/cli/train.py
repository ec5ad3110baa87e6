"""The command `suwen train`."""

from __future__ import annotations


def train() -> None:
    """To be written."""
