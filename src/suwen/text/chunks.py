"""Texts put together to be worked on at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

__all__ = ["chunks"]


def chunks(texts: Iterable[str], characters: int) -> Iterator[list[str]]:
    """Yield lists of consecutive texts with at least this many characters; the last list may have fewer.

    Examples
    --------
    >>> list(chunks(["血糖", "血压", "", "心率"], 3))
    [['血糖', '血压'], ['', '心率']]
    """
    chunk: list[str] = []
    size = 0
    for text in texts:
        chunk.append(text)
        size += len(text)
        if size >= characters:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
