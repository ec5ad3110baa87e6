"""Generate documents from documents: combine the methods and record the result of each document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suwen.augmentation.augmenters import Augmenter, Draws, Request, Variant
from suwen.augmentation.config import AugmentationConfig
from suwen.augmentation.edits import Edit, Recipe, derived
from suwen.augmentation.mentions import MentionReplacement
from suwen.augmentation.synonyms import SynonymReplacement, find_synonyms
from suwen.augmentation.tagger_check import TaggerCheck
from suwen.augmentation.tokens import TokenReplacement
from suwen.augmentation.word_check import WordCheck
from suwen.augmentation.words import Protection, Reading, segment_ahead
from suwen.corpus.near_copies import near_copies
from suwen.corpus.split import Selection
from suwen.document import Document
from suwen.errors import SuwenError
from suwen.files import read_terms
from suwen.loading import load
from suwen.models.catalog import find_encoder
from suwen.requirements import require_packages
from suwen.text.words import Segmenter, segmenter_named

if TYPE_CHECKING:
    from suwen.augmentation.masked_lm import MaskedLanguageModel

__all__ = ["Augmentation", "Generator", "Outcome", "collect", "load_model"]

POOLED_CHARACTERS = 2**17
"""Characters of text whose sentences are batched together."""

KEPT_READINGS = 64


@dataclass(frozen=True)
class Outcome:
    """The result of one variant.

    Parameters
    ----------
    recipe
        How it is made.
    counts
        The counts, by method: ``mlm: replaced`` …
    """

    recipe: Recipe
    counts: Counter[str]


@dataclass(frozen=True)
class Augmentation:
    """The result of an augmentation.

    Parameters
    ----------
    documents
        The generated documents.
    recipes
        Their log: `suwen.augmentation.replay` makes the documents of it.
    counts
        The counts over all documents.
    failures
        Why a document could not be augmented, by its generated id; it is among the documents as it was.
    near_copies
        The ids of generated documents that were removed.
    """

    documents: list[Document]
    recipes: list[Recipe]
    counts: Counter[str]
    failures: dict[str, str]
    near_copies: list[str]

    def __repr__(self) -> str:
        return f"<Augmentation, documents: {len(self.documents):,}, failures: {len(self.failures):,}>"


class Generator:
    """Makes recipes for variants; a document's does not depend on the others that are made with it.

    Parameters
    ----------
    training
        The training part: where mentions and words are taken from.
    config
        The configuration.
    model
        The masked language model, when the method needs one.
    device
        The device of the tagger of the check.

    Raises
    ------
    SuwenError
        S405 when the segmenter is not installed, and what reading a lexicon or the tagger raises.
    """

    def __init__(
        self,
        training: Sequence[Selection],
        config: AugmentationConfig,
        model: MaskedLanguageModel | None = None,
        device: str = "cpu",
    ) -> None:
        self._config = config
        segment = segmenter_named(config.words.segmenter if config.cuts_words else "none")
        self._read = _Reader(segment)
        protection = Protection(config.protection, read_terms(config.protection.lexicon))
        self._augmenters = {
            method: self._augmenter(method, training, protection, segment, model) for method in config.methods
        }
        self._check = TaggerCheck(load(config.check.model, device=device)) if config.check.model else None

    def _augmenter(
        self,
        method: str,
        training: Sequence[Selection],
        protection: Protection,
        segment: Segmenter,
        model: MaskedLanguageModel | None,
    ) -> Augmenter:
        config = self._config
        if method == "mlm":
            from suwen.augmentation.mlm import MaskedWords

            assert model is not None
            return MaskedWords(model, config, protection, WordCheck(config.check, segment, training))
        if method == "mention":
            return MentionReplacement(training, config.mention)
        if method == "token":
            return TokenReplacement(training, self._read, config.token)
        # A synonym is a word, whether or not the segmenter knows it.
        check = WordCheck(config.check.model_copy(update={"words": False}), segment, training)
        return SynonymReplacement(find_synonyms(config.synonym), config.synonym, protection, check)

    def __call__(self, variants: Iterable[Variant]) -> Iterator[Outcome]:
        """Yield the outcome of each variant, in order."""
        pool: list[Variant] = []
        size = 0
        for variant in variants:
            pool.append(variant)
            size += variant.characters
            if size >= POOLED_CHARACTERS:
                yield from self._outcomes(pool)
                pool, size = [], 0
        if pool:
            yield from self._outcomes(pool)

    def _outcomes(self, pool: Sequence[Variant]) -> Iterator[Outcome]:
        try:
            outcomes = self._made(pool)
        except Exception as error:
            # A failure in one document must not stop the others.
            if len(pool) == 1:
                reason = str(error) if isinstance(error, SuwenError) else f"{type(error).__name__}: {error}"
                outcomes = [Outcome(_recipe(pool[0], (), " ".join(reason.split())), Counter())]
            else:
                outcomes = [outcome for variant in pool for outcome in self._outcomes([variant])]
        yield from outcomes

    def _made(self, pool: Sequence[Variant]) -> list[Outcome]:
        edits: list[list[Edit]] = [[] for _ in pool]
        counts: list[Counter[str]] = [Counter() for _ in pool]
        readings = [self._read(variant.document) for variant in pool]
        if self._config.cuts_words:
            segment_ahead((reading, reading.owned(one.spans)) for reading, one in zip(readings, pool, strict=True))
        for method, augmenter in self._augmenters.items():
            requests = [
                Request(variant, readings[i], edits[i], Draws(self._config.seed, variant, method))
                for i, variant in enumerate(pool)
            ]
            for i, proposal in enumerate(augmenter.propose(requests)):
                edits[i] = sorted([*edits[i], *proposal.edits], key=lambda edit: edit.start)
                counts[i].update({f"{method}: {what}": number for what, number in proposal.counts.items()})
        outcomes = []
        for i, variant in enumerate(pool):
            if self._check is not None:
                kept = self._check.kept(variant, edits[i])
                undone = {edit.word for edit in edits[i]} - {edit.word for edit in kept}
                counts[i]["undone by the tagger"] += len(undone)
                edits[i] = kept
            outcomes.append(Outcome(_recipe(variant, tuple(edits[i])), +counts[i]))
        return outcomes


class _Reader:
    """Reads documents, and keeps the last ones for their further copies."""

    def __init__(self, segment: Segmenter) -> None:
        self._segment = segment
        self._kept: dict[str, Reading] = {}

    def __call__(self, document: Document) -> Reading:
        reading = self._kept.pop(document.id, None)
        if reading is None or reading.document is not document:
            reading = Reading(document, self._segment)
        self._kept[document.id] = reading
        if len(self._kept) > KEPT_READINGS:
            del self._kept[next(iter(self._kept))]
        return reading


def _recipe(variant: Variant, edits: tuple[Edit, ...], failure: str = "") -> Recipe:
    return Recipe(variant.id, variant.document.id, variant.copy, variant.method, variant.spans, edits, failure)


def collect(outcomes: Iterable[Outcome], originals: Iterable[Document], config: AugmentationConfig) -> Augmentation:
    """Make the documents, and remove near-copies of their original and of each other.

    Raises
    ------
    SuwenError
        S309 when no word or mention could be replaced anywhere, S312 when every document failed.
    """
    outcomes = list(outcomes)
    by_id = {document.id: document for document in originals}
    failures = {outcome.recipe.id: outcome.recipe.failure for outcome in outcomes if outcome.recipe.failure}
    if outcomes and len(failures) == len(outcomes):
        raise SuwenError("S312", reason=next(iter(failures.values())))
    counts = sum((outcome.counts for outcome in outcomes), Counter())
    replaceable = sum(number for what, number in counts.items() if what.endswith((": maskable", ": replaceable")))
    if not replaceable and not config.changes_nothing:
        raise SuwenError("S309", method=config.method)
    families: dict[tuple[str, Any], list[Document]] = {}
    for outcome in outcomes:
        document = derived(by_id[outcome.recipe.source], outcome.recipe)
        families.setdefault((outcome.recipe.source, outcome.recipe.spans), []).append(document)
    removed: set[str] = set()
    if config.near_copies and not config.changes_nothing:
        for (name, spans), family in families.items():
            original = derived(by_id[name], Recipe(name, name, 0, "", spans))
            candidates = [document for document in family if document.id not in failures]
            removed |= set(_copies_in(original, candidates, config.near_copies))
    made = {document.id: document for family in families.values() for document in family}
    kept = [outcome.recipe for outcome in outcomes if outcome.recipe.id not in removed]
    return Augmentation(
        [made[recipe.id] for recipe in kept],
        kept,
        counts,
        failures,
        [outcome.recipe.id for outcome in outcomes if outcome.recipe.id in removed],
    )


def _copies_in(original: Document, family: Sequence[Document], least: float) -> Iterator[str]:
    """Yield the ids of documents that are nearly the original, or nearly an earlier one that is kept."""
    order = {original.id: 0, **{document.id: number for number, document in enumerate(family, 1)}}
    pairs = [
        sorted((pair.first, pair.second), key=order.__getitem__) for pair in near_copies([original, *family], least)
    ]
    gone: set[str] = set()
    for earlier, later in sorted(pairs, key=lambda pair: (order[pair[1]], order[pair[0]])):
        if earlier not in gone and later not in gone:
            gone.add(later)
            yield later


def load_model(
    config: AugmentationConfig, device: str = "cpu", batch_tokens: int | None = None
) -> MaskedLanguageModel | None:
    """Load the masked language model of a configuration; None when neither the method nor the user wants one.

    Raises
    ------
    SuwenError
        S405 when a package that the configuration needs is not installed; as `suwen.models.catalog.find_encoder` and
        `MaskedLanguageModel.from_folder`.
    """
    require_packages(*config.packages)
    name = config.masked_language_model
    if not name:
        return None
    # Late, because the other methods need no torch.
    from suwen.augmentation.masked_lm import MaskedLanguageModel

    return MaskedLanguageModel.from_folder(find_encoder(name), device, batch_tokens)
