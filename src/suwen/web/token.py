"""The token that opens a server, from a file or the environment."""

from __future__ import annotations

import hmac
import os
from hashlib import sha256
from pathlib import Path

from suwen.errors import SuwenError
from suwen.files import read_text

__all__ = ["VARIABLE", "Token", "read_token"]

VARIABLE = "SUWEN_TOKEN"
SHORTEST = 16


class Token:
    """A secret that requests must know. Only its hash is kept.

    Parameters
    ----------
    secret
        At least 16 characters of ASCII, without spaces.

    Raises
    ------
    SuwenError
        S803 when it is too short or has other characters.
    """

    def __init__(self, secret: str) -> None:
        if len(secret) < SHORTEST:
            raise SuwenError("S803", reason=f"has fewer than {SHORTEST} characters")
        if not secret.isascii() or not secret.isprintable() or " " in secret:
            raise SuwenError("S803", reason="has characters other than ASCII letters, digits and signs")
        self._digest = _digest(secret.encode())

    def accepts(self, authorization: bytes | None) -> bool:
        """Return whether a header ``Authorization: Bearer TOKEN`` holds the token, in constant time."""
        scheme, _, given = (authorization or b"").partition(b" ")
        return hmac.compare_digest(_digest(given.strip()), self._digest) and scheme.lower() == b"bearer"


def _digest(secret: bytes) -> bytes:
    return sha256(secret).digest()


def read_token(path: Path | None) -> Token | None:
    """Return the token of a file, else of the environment variable ``SUWEN_TOKEN``; None where there is neither.

    Raises
    ------
    SuwenError
        S803, or what `read_text` raises.
    """
    if path is not None:
        return Token(read_text(path).strip())
    # Taken out of the environment: processes that are started later must not know it.
    secret = os.environ.pop(VARIABLE, None)
    return None if secret is None else Token(secret)
