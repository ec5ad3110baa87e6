"""Turn documents into windows of ids and tags, and count the entities that cannot be expressed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from suwen.document import Entity, Span
from suwen.schemes import LabelSpan, Scheme, ScoredSpan, flatten
from suwen.tagging.alignment import Alignment, Subwords
from suwen.tagging.lexicon import WORD_IDS, Lexicon
from suwen.tagging.vocabulary import CLS, SEP, BigramVocabulary, CharacterVocabulary
from suwen.text.sentences import split_sentences
from suwen.text.view import View, ViewRules, make_view
from suwen.text.windows import Block, Window, WindowRules, make_blocks

__all__ = [
    "Arrays",
    "Example",
    "Featurizer",
    "Losses",
    "Prepared",
    "TaughtExample",
    "block_spans",
    "encode_gold",
    "prepare",
]

BARE_BREAK = re.compile(r"(?<=[^\n。！？；，、：.!?;,:])\n")
"""A paragraph break behind anything but punctuation."""

MARK = re.compile(
    r"""
      (?: [①-⒛❶-❿•●○◆◇■□▪★☆·]
        | [-–—*](?=[ \t\u3000])
        | [(（](?:\d{1,2}|[一二三四五六七八九十]{1,3})[)）]
        | \d{1,2}[)）]
        | \d{1,2}、(?!\d{1,2}[级期度])                 # "1、2型糖尿病", but not "3、4级"
        | \d{1,2}[.．](?=\s*[^\s\d]|\s+\d型)       # "1. 肾病" and "1. 2型糖尿病", but not "1. 5 mg"
        | [一二三四五六七八九十]{1,3}、(?![一二三四五六七八九十])
      )
      [ \t\u3000]*
    """,
    re.VERBOSE,
)
"""The mark of an item at the start of a paragraph."""

Arrays = Mapping[str, NDArray[np.int32]]
"""The model's arrays of a text or window, by name."""


class Featurizer:
    """Turns text into the arrays a model reads: ``input_ids``; with bigrams ``bigram_ids``; with a lexicon `WORD_IDS`.

    Parameters
    ----------
    characters
        The vocabulary of ``input_ids``.
    bigrams
        The vocabulary of ``bigram_ids``, or None.
    special_tokens
        Whether a window is put between ``[CLS]`` and ``[SEP]``, as BERT expects.
    subwords
        For an encoder that does not read characters: what cuts text into the tokens of `characters`. All positions and
        lengths then count tokens.
    lexicon
        The words that are looked for in the text, or None; not with `subwords`.
    """

    def __init__(
        self,
        characters: CharacterVocabulary,
        bigrams: BigramVocabulary | None = None,
        special_tokens: bool = False,
        subwords: Subwords | None = None,
        lexicon: Lexicon | None = None,
    ) -> None:
        self.subwords = subwords
        self.lexicon = lexicon
        self.characters = characters
        self.bigrams = bigrams
        self.special_tokens = special_tokens
        self._edges: Mapping[str, Span] = {}
        if special_tokens:
            features = dict.fromkeys(("bigram_ids", *WORD_IDS), (0, 0))
            self._edges = {"input_ids": (characters.id(CLS), characters.id(SEP)), **features}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the arrays."""
        bigrams = () if self.bigrams is None else ("bigram_ids",)
        return ("input_ids", *bigrams, *(() if self.lexicon is None else WORD_IDS))

    @property
    def padding(self) -> dict[str, int]:
        """The id that fills each array after its end."""
        return {"input_ids": self.characters.pad, **dict.fromkeys(("bigram_ids", *WORD_IDS), 0)}

    @property
    def offset(self) -> int:
        """The position of a window's first character in its arrays."""
        return int(self.special_tokens)

    def arrays(self, text: str) -> Arrays:
        """Return the ids of a whole view, int32 ``[len(text)]`` each; windows are cut from them.

        A paragraph break is read as a comma, unless punctuation is before it. Training texts have few short lines: a
        tagger that reads newlines between them misses mentions that it finds in a sentence.
        """
        ids = self.characters.ids(BARE_BREAK.sub("，", text))
        bigrams = {} if self.bigrams is None else {"bigram_ids": self.bigrams.ids(ids)}
        words = {} if self.lexicon is None else self.lexicon.ids(ids)
        return {"input_ids": ids, **bigrams, **words}

    def prepared_arrays(self, prepared: Prepared) -> Arrays:
        """Return the ids of a text that `prepare` cut up with this featurizer's sub-words, or without any."""
        if prepared.alignment is not None:
            return {"input_ids": prepared.alignment.ids}
        return self.arrays(prepared.view.text)

    def window(self, arrays: Arrays, window: Window) -> Arrays:
        """Return the arrays of one window, with special tokens where the model wants them."""
        cut = {name: array[window.start : window.end] for name, array in arrays.items()}
        if not self.special_tokens:
            return cut
        return {
            name: np.concatenate(([self._edges[name][0]], array, [self._edges[name][1]]), dtype=np.int32)
            for name, array in cut.items()
        }


@dataclass(frozen=True, slots=True)
class Prepared:
    """A text cut up for a model: its view, its sentences (view offsets), and the blocks that are decoded.

    With an `alignment` the blocks count its tokens, otherwise the characters of the view.
    """

    view: View
    sentences: list[Span]
    blocks: list[Block]
    alignment: Alignment | None = None

    def positions(self, start: int, end: int) -> Span | None:
        """Return the model's positions of a span of the view; None if no tokens cover exactly these characters."""
        return (start, end) if self.alignment is None else self.alignment.to_tokens(start, end)

    def view_spans(self, spans: Iterable[ScoredSpan]) -> Iterator[ScoredSpan]:
        """Yield the spans of the model's positions as spans of the view; one that stands for no character vanishes."""
        for label, start, end, score in spans:
            span = (start, end) if self.alignment is None else self.alignment.to_characters(start, end)
            if span is not None:
                yield label, *span, score


def prepare(
    text: str,
    view_rules: ViewRules,
    window_rules: WindowRules,
    owned: Sequence[Span] | None = None,
    subwords: Subwords | None = None,
) -> Prepared:
    """Return the view, sentences and blocks of a text.

    Parameters
    ----------
    owned
        Source spans; only sentences that begin in one of them are put into blocks. None means all.
    subwords
        What cuts the text into tokens when the model does not read characters.
    """
    view = make_view(text, view_rules)
    sentences = every = split_sentences(view)
    if owned is not None and sentences:
        starts = view.source[[start for start, _ in sentences]]
        inside = _inside(starts, owned)
        sentences = [sentence for sentence, mine in zip(sentences, inside, strict=True) if mine]
    if subwords is None:
        blocks = make_blocks(sentences, len(view.text), window_rules)
        return Prepared(view, sentences, [_without_marks(block, view.text) for block in blocks])
    alignment = subwords.align(view.text, every)
    ends = [end for _, end in every if view.text[end : end + 1] == "\n"]
    paragraph_ends = set(np.searchsorted(alignment.starts, ends).tolist())
    blocks = [
        block
        for run in _runs(sentences, every)
        for block in make_blocks(alignment.cover(run), len(alignment.ids), window_rules, paragraph_ends)
    ]
    return Prepared(view, sentences, blocks, alignment)


def _without_marks(block: Block, text: str) -> Block:
    """Return the block with paragraphs that begin behind the mark of an item: no mention has one."""
    paragraphs = []
    for start, end in block.paragraphs:
        mark = MARK.match(text, start, end) if start == 0 or text[start - 1] == "\n" else None
        paragraphs.append((mark.end() if mark and mark.end() < end else start, end))
    return replace(block, paragraphs=tuple(paragraphs))


def _runs(chosen: Sequence[Span], every: Sequence[Span]) -> Iterator[list[Span]]:
    """Return the chosen sentences in runs that follow each other; tokens leave no gap where one was left out."""
    run: list[Span] = []
    wanted = set(chosen)
    for sentence in every:
        if sentence in wanted:
            run.append(sentence)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _inside(positions: NDArray[np.int32], spans: Sequence[Span]) -> NDArray[np.bool_]:
    """Return which positions lie in one of the sorted, disjoint spans."""
    if not spans:
        return np.zeros(len(positions), bool)
    bounds = np.asarray(spans)
    places = np.searchsorted(bounds[:, 0], positions, side="right") - 1
    inside: NDArray[np.bool_] = (places >= 0) & (positions < bounds[np.maximum(places, 0), 1])
    return inside


@dataclass(slots=True)
class Losses:
    """Counts of distinct gold entities that the tags can express, and of the others by reason.

    The reasons are ``overlapping`` (a flat tag sequence holds one entity per character), ``crosses a sentence end``
    (or, where sentences are packed, a paragraph end; or the mark of an item, such as ``1、``), ``cut by a window`` (in
    training only: it spans two windows of one very long sentence), ``not in the view`` (it begins or ends in characters
    that the view drops), ``within a token`` (of a sub-word vocabulary) and ``label not learned`` (the label set does
    not have it).
    """

    entities: int = 0
    lost: Counter[str] = field(default_factory=Counter)

    @property
    def expressible(self) -> float:
        """The share of gold entities that can be expressed, in [0, 1]."""
        return 1 - sum(self.lost.values()) / self.entities if self.entities else 1.0

    def to_dict(self) -> dict[str, object]:
        """Return the counts as JSON values."""
        return {"entities": self.entities, "lost": dict(sorted(self.lost.items())), "expressible": self.expressible}


@dataclass(frozen=True, slots=True)
class Example:
    """One window to learn from.

    Parameters
    ----------
    inputs
        The model's arrays, int32 ``[T]`` each.
    core
        The positions ``[start, end)`` in the arrays that are decided here.
    tags
        The tag ids of the core, int16 ``[end - start]``.
    """

    inputs: Arrays
    core: Span
    tags: NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class TaughtExample:
    """One window to learn from, whose target is a distribution over tag sequences.

    Parameters
    ----------
    inputs, core
        As in `Example`.
    unary
        The probability of each tag at each position of the core, float16 ``[end - start, K]``.
    moves
        The expected number of each move from tag to tag in the core, float32 ``[K, K]``.
    """

    inputs: Arrays
    core: Span
    unary: NDArray[np.floating]
    moves: NDArray[np.floating]


def encode_gold(
    gold: Sequence[Entity],
    prepared: Prepared,
    featurizer: Featurizer,
    scheme: Scheme,
    labels: Sequence[str],
) -> tuple[list[Example], Losses]:
    """Cut a document into windows with their tags, and count the entities that tags cannot express.

    Parameters
    ----------
    gold
        The entities that are to be learned.
    prepared
        Their document's text as `prepare` cut it.
    """
    tag_ids = {tag: i for i, tag in enumerate(scheme.tags(labels))}
    arrays = featurizer.prepared_arrays(prepared)
    examples: list[Example] = []
    expressible, losses = block_spans(gold, prepared, labels)
    for block, inside in zip(prepared.blocks, expressible, strict=True):
        losses.lost["cut by a window"] += sum(_is_cut(span, block) for span in inside)
        tags = scheme.encode(block.end - block.start, inside)
        for window in block.windows:
            core_tags = tags[window.core_start - block.start : window.core_end - block.start]
            _repair_edges(core_tags, scheme)
            examples.append(_example(arrays, window, featurizer, [tag_ids[tag] for tag in core_tags]))
    losses.lost = +losses.lost
    return examples, losses


def block_spans(
    gold: Sequence[Entity], prepared: Prepared, labels: Sequence[str]
) -> tuple[list[list[LabelSpan]], Losses]:
    """Return the gold entities that a flat tag sequence can express, and a count of the others.

    Returns
    -------
    tuple[list[list[LabelSpan]], Losses]
        For each block of `prepared` its ``(label, start, end)`` in order, counted from the start of the block; and what
        is lost.
    """
    keys = {entity.key for entity in gold}
    losses = Losses(len(keys))
    spans: list[LabelSpan] = []
    for label, start, end in keys:
        span = prepared.view.to_view(start, end)
        if label not in labels:
            losses.lost["label not learned"] += 1
        elif span is None or _hull(prepared.view, span) != (start, end):
            losses.lost["not in the view"] += 1
        elif (positions := prepared.positions(*span)) is None:
            losses.lost["within a token"] += 1
        else:
            spans.append((label, *positions))
    spans, overlapping = flatten(spans, labels)
    losses.lost["overlapping"] = len(overlapping)

    expressible: list[list[LabelSpan]] = []
    spans.reverse()
    for block in prepared.blocks:
        inside: list[LabelSpan] = []
        while spans and spans[-1][1] < block.end:
            label, start, end = spans.pop()
            if any(start >= first and end <= last for first, last in block.paragraphs):
                inside.append((label, start - block.start, end - block.start))
            else:
                losses.lost["crosses a sentence end"] += 1
        expressible.append(inside)
    losses.lost["crosses a sentence end"] += len(spans)
    losses.lost = +losses.lost
    return expressible, losses


def _hull(view: View, span: Span) -> Span | None:
    """Return the source hull of a view span, which is what a prediction of it would be; None for line breaks alone."""
    pieces = view.to_source(*span)
    return (pieces[0][0], pieces[-1][1]) if pieces else None


def _example(arrays: Arrays, window: Window, featurizer: Featurizer, tags: list[int]) -> Example:
    start = window.core_start - window.start + featurizer.offset
    return Example(featurizer.window(arrays, window), (start, start + len(tags)), np.asarray(tags, np.int16))


def _is_cut(span: LabelSpan, block: Block) -> bool:
    """Return whether no window of the block decides the whole of a span, whose offsets count from the block's start."""
    start, end = span[1] + block.start, span[2] + block.start
    return not any(window.core_start <= start and end <= window.core_end for window in block.windows)


def _repair_edges(tags: list[str], scheme: Scheme) -> None:
    """Give the pieces of entities that a window cuts legal tags."""
    if not (scheme.allows(None, tags[0]) and scheme.allows(tags[-1], None)):
        tags[:] = scheme.encode(len(tags), scheme.decode(tags, "conlleval"))
