"""Extractors that decide each sentence alone, and the settings that they share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from suwen.corpus.split import Selection
from suwen.document import Document
from suwen.inference.predictor import Extractor, with_predictions
from suwen.model_folder import check_keys, read_rules
from suwen.schema import Schema
from suwen.schemes import ScoredSpan
from suwen.tagging.encode import prepare
from suwen.text.view import ViewRules
from suwen.text.windows import WindowRules

__all__ = ["SentenceExtractor", "SentenceSettings"]


@dataclass(frozen=True, slots=True)
class SentenceSettings:
    """Settings of a model that reads one sentence at a time, in addition to its weights.

    Parameters
    ----------
    schema
        The entity types.
    view
        How a text is normalized.
    """

    schema: Schema
    view: ViewRules

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON values; `from_dict` reads them back."""
        return {"schema": self.schema.to_dict(), "view": asdict(self.view)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], path: Path) -> SentenceSettings:
        """Build settings from the values that `to_dict` made.

        Raises
        ------
        SuwenError
            S401 when a key is unknown, S407 when the label set is broken, S501 when a key is missing or its value is
            not of its kind.
        """
        check_keys(values, {"schema": (dict,), "view": (dict,)}, path)
        return cls(Schema.from_dict(values["schema"], path), read_rules(ViewRules, values["view"], path))


class SentenceExtractor(Extractor):
    """Finds entities sentence by sentence.

    Parameters
    ----------
    settings
        The entity types, and how a text is normalized.
    """

    def __init__(self, settings: SentenceSettings) -> None:
        self.settings = settings

    @property
    def schema(self) -> Schema:
        """The entity types that are found."""
        return self.settings.schema

    @abstractmethod
    def find(self, sentence: str) -> list[ScoredSpan]:
        """Return the entities of a sentence as ``(label, start, end, confidence)``, counted from its start."""

    def predict_groups(self, groups: Iterable[Iterable[Selection]]) -> Iterator[Document]:
        """Find the entities of groups of selections (see `Extractor.predict_groups`)."""
        for selection in chain.from_iterable(groups):
            document = selection.document
            prepared = prepare(document.text, self.settings.view, WindowRules(), selection.spans)
            found = [
                (label, begin + start, begin + end, score)
                for begin, finish in prepared.sentences
                for label, start, end, score in self.find(prepared.view.text[begin:finish])
            ]
            yield with_predictions(document, prepared.view, found)
