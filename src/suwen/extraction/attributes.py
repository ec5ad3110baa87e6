"""Add assertions and codes to the entities that a model finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from suwen.concepts.assertion import with_assertions
from suwen.concepts.coding import Coder
from suwen.concepts.terminologies import Terminology
from suwen.corpus.split import Selection
from suwen.document import Document
from suwen.inference.predictor import Extractor
from suwen.schema import Schema

__all__ = ["AttributingExtractor", "load_attributing"]


class AttributingExtractor(Extractor):
    """A model with attributes added to the entities that it finds.

    Parameters
    ----------
    extractor
        The model.
    assertion
        Whether negated and hypothetical entities are marked (see `with_assertions`).
    codes
        The terminology whose codes entities get (see `Coder`).
    """

    def __init__(self, extractor: Extractor, assertion: bool = False, codes: Terminology | None = None) -> None:
        self.extractor = extractor
        self.learned_from = extractor.learned_from
        self.name = extractor.name
        self._steps: list[Callable[[Document], Document]] = []
        if assertion:
            self._steps.append(with_assertions)
        if codes is not None:
            self._steps.append(Coder(codes).with_codes)

    @property
    def schema(self) -> Schema:
        """The entity types of the model."""
        return self.extractor.schema

    def predict_groups(self, groups: Iterable[Iterable[Selection]]) -> Iterator[Document]:
        """Find the entities of groups of selections (see `Extractor.predict_groups`)."""
        for document in self.extractor.predict_groups(groups):
            for step in self._steps:
                document = step(document)
            yield document


def load_attributing(
    load: Callable[..., Extractor], assertion: bool, codes: Terminology | None, *folders: Any
) -> Extractor:
    """Load a model and add attributes to what it finds; `load` takes the folders of the model."""
    extractor = load(*folders)
    return AttributingExtractor(extractor, assertion, codes) if assertion or codes else extractor
