"""The dictionary baseline: the longest known mention wins (the paper's section 2.1)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from suwen.errors import SuwenError
from suwen.files import read_json, write_text
from suwen.inference.sentence_extractor import SentenceExtractor, SentenceSettings
from suwen.model_folder import StoredModel
from suwen.schema import Schema
from suwen.schemes import ScoredSpan

__all__ = ["DICTIONARY", "Dictionary", "DictionaryExtractor", "Entry", "fold", "load_dictionary"]

DICTIONARY = "dictionary.json"


class _Folding(dict[int, str]):
    """Lower case by code point; characters whose lower case is longer (İ) stay, so that offsets do."""

    def __missing__(self, point: int) -> str:
        character = chr(point)
        lower = character.lower()
        self[point] = lower if len(lower) == 1 else character
        return self[point]


_FOLDING = _Folding()


def fold(text: str) -> str:
    """Return the text in lower case, character by character, so that offsets stay."""
    return text.translate(_FOLDING)


@dataclass(frozen=True, slots=True)
class Entry:
    """The counts of a surface in the training part.

    Parameters
    ----------
    label
        Its most frequent label.
    labeled, occurrences
        In how many of its occurrences (as the longest match) it is a mention with that label.
    """

    label: str
    labeled: int
    occurrences: int

    @property
    def share(self) -> float:
        """The share of the occurrences that carry the label, in [0, 1]."""
        return self.labeled / self.occurrences


class Dictionary:
    """Surfaces to look up.

    Parameters
    ----------
    entries
        By surface, folded as `fold` does.
    """

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        self.entries = dict(entries)
        self._beginnings = {surface[:end] for surface in entries for end in range(1, len(surface) + 1)}

    def matches(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield matches as ``(start, end, surface)``, from left to right, the longest first, not overlapping.

        No match begins or ends inside a run of Latin letters or of digits: ``DM`` is not found in ``ADMA``.
        """
        folded = fold(text)
        start = 0
        while start < len(folded):
            end = self._longest(folded, start)
            if end > start:
                yield start, end, folded[start:end]
            start = max(end, start + 1)

    def _longest(self, folded: str, start: int) -> int:
        """Return the end of the longest match that begins at `start`; `start` if there is none."""
        longest = start
        if folded[start] not in self._beginnings or _cuts_run(folded, start):
            return longest
        for end in range(start + 1, len(folded) + 1):
            surface = folded[start:end]
            if surface not in self._beginnings:
                break
            if surface in self.entries and not _cuts_run(folded, end):
                longest = end
        return longest

    def write(self, path: Path) -> None:
        """Write the entries as JSON, one ``[surface, label, labeled, occurrences]`` a line."""
        rows = (
            json.dumps([surface, entry.label, entry.labeled, entry.occurrences], ensure_ascii=False)
            for surface, entry in sorted(self.entries.items())
        )
        write_text(path, "[\n" + ",\n".join(rows) + "\n]\n")

    @classmethod
    def read(cls, path: Path, schema: Schema) -> Dictionary:
        """Read a dictionary that `write` wrote.

        Raises
        ------
        SuwenError
            S101 when the file is missing, S204 when it is not JSON, S501 when it is not a dictionary of this label set.
        """
        rows = read_json(path)
        if not isinstance(rows, list):
            raise SuwenError("S501", path, reason="it is not a list of entries")
        entries = {}
        for row in rows:
            match row:
                case [str(surface), str(label), int(labeled), int(occurrences)] if (
                    surface and label in schema and 0 <= labeled <= occurrences and occurrences
                ):
                    entries[surface] = Entry(label, labeled, occurrences)
                case _:
                    reason = f"{row!r} is not [surface, label, labeled, occurrences] with a label of {schema.name!r}"
                    raise SuwenError("S501", path, reason=reason)
        return cls(entries)


class DictionaryExtractor(SentenceExtractor):
    """Finds the surfaces of a dictionary; the confidence is the share of their occurrences with the label.

    Parameters
    ----------
    settings
        The entity types, and how a text is normalized.
    dictionary
        What to look up.
    """

    def __init__(self, settings: SentenceSettings, dictionary: Dictionary) -> None:
        super().__init__(settings)
        self.dictionary = dictionary

    def find(self, sentence: str) -> list[ScoredSpan]:
        """Return the longest matches in a sentence."""
        found = (
            (start, end, self.dictionary.entries[surface]) for start, end, surface in self.dictionary.matches(sentence)
        )
        return [(entry.label, start, end, entry.share) for start, end, entry in found]


def load_dictionary(stored: StoredModel) -> DictionaryExtractor:
    """Load a model folder of the kind ``dictionary``.

    Raises
    ------
    SuwenError
        As `SentenceSettings.from_dict` and `Dictionary.read`.
    """
    settings = SentenceSettings.from_dict(stored.settings, stored.path / "suwen.json")
    return DictionaryExtractor(settings, Dictionary.read(stored.path / DICTIONARY, settings.schema))


def _cuts_run(text: str, place: int) -> bool:
    """Return whether the place lies between two Latin letters or between two digits."""
    if not 0 < place < len(text):
        return False
    pair = text[place - 1 : place + 1]
    return pair.isascii() and (pair.isalpha() or pair.isdigit())
