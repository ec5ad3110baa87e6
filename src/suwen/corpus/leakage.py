"""Leakage: text that the parts of a split share, which makes scores too high."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from suwen.corpus.near_copies import NearCopy
from suwen.corpus.sentences import sentence_spans
from suwen.corpus.split import Selection
from suwen.document import Document, Entity

__all__ = ["leakage_report", "other_split"]

LEAST_LENGTH = 10
"""Minimum characters of a sentence. Shorter ones, mostly headings, recur in any two articles."""


def other_split(learned: Mapping[str, Any], data_hash: str, split_hash: str | None) -> str | None:
    """Return a warning if a model was trained on the corpus that it is scored on, but not by the same split.

    Parameters
    ----------
    learned
        The record ``data`` of the model's manifest.
    data_hash, split_hash
        The hashes of the corpus and of the split (None without one) that it is scored on.

    Returns
    -------
    str | None
        A phrase for a warning; None if, by the hashes, the scores are those of unseen text.
    """
    if learned.get("data_hash") != data_hash:
        return None
    split = learned.get("split") or {}
    if split_hash and split.get("hash") == split_hash:
        return None
    how = "with another split" if split else "without a split file"
    return f"trained on this corpus {how}, so it may have learned from what it is scored on"


def leakage_report(parts: Mapping[str, Sequence[Selection]], copies: Sequence[NearCopy]) -> dict[str, Any]:
    """Return the overlap of the other parts with the part ``train``, as JSON values.

    Parameters
    ----------
    parts
        The selections of each part, ``train`` among them.
    copies
        The near-copies among the documents.

    Returns
    -------
    dict[str, Any]
        Under ``parts``, for each part but ``train``: `sentences` (of at least 10 characters) and how many of them stand
        in the training part too, to the character; gold `mentions` and how many of them have been seen there with the
        same type and surface; both without white space. Under ``near_copies``, for each pair its `resemblance` and the
        `parts` that own characters of either document: more than one part is a leak.
    """
    trained_sentences = set(_sentences(parts["train"]))
    trained_mentions = set(_mentions(parts["train"]))
    report = {}
    for part, selections in parts.items():
        if part == "train":
            continue
        sentences, mentions = list(_sentences(selections)), list(_mentions(selections))
        report[part] = {
            **_shared("sentences", [sentence in trained_sentences for sentence in sentences]),
            **_shared("mentions", [mention in trained_mentions for mention in mentions]),
        }
    owners = {part: {selection.document.id for selection in selections} for part, selections in parts.items()}
    return {"parts": report, "near_copies": [_copy(pair, owners) for pair in copies]}


def _shared(what: str, found: list[bool]) -> dict[str, float]:
    seen = sum(found)
    return {what: len(found), f"seen_{what}": seen, f"seen_{what}_share": round(seen / max(len(found), 1), 6)}


def _copy(pair: NearCopy, owners: Mapping[str, set[str]]) -> dict[str, Any]:
    parts = [part for part, names in owners.items() if names & {pair.first, pair.second}]
    resemblance = round(pair.resemblance, 4)
    return {"first": pair.first, "second": pair.second, "resemblance": resemblance, "parts": parts}


def _sentences(selections: Sequence[Selection]) -> Iterator[str]:
    for selection in selections:
        text = selection.document.text
        for start, end in sentence_spans(text):
            if selection.owns(start):
                sentence = _compact(text[start:end])
                if len(sentence) >= LEAST_LENGTH:
                    yield sentence


def _mentions(selections: Sequence[Selection]) -> Iterator[tuple[str, str]]:
    for selection in selections:
        for entity in selection.gold:
            yield entity.label, _surface(selection.document, entity)


def _surface(document: Document, entity: Entity) -> str:
    return _compact(document.mention(entity))


def _compact(text: str) -> str:
    return "".join(text.split())
