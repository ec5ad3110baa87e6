"""The words of a document: cut at the edges of entities, and which of them may be changed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from suwen.document import Document, Span
from suwen.inference.dictionary import Dictionary, Entry, fold
from suwen.text.sentences import split_sentences
from suwen.text.view import make_view
from suwen.text.words import Segmenter, cut_all

if TYPE_CHECKING:
    from suwen.augmentation.config import ProtectionConfig

__all__ = ["Protection", "Reading", "Sentence", "is_chinese", "is_punctuation", "segment_ahead"]

Flags = NDArray[np.bool_]

CHINESE = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff〇々]+")
BLANK = re.compile(r"\s+")
NUMERALS = frozenset("两半几数第余多")
"""Characters of numbers that Unicode does not class as numeric."""

UNITS = frozenset(
    fold(
        "mg g kg μg ug ng ml l dl mmol mol μmol umol nmol pmol iu u % ‰ ℃ cm mm m mmHg kcal kJ h d w min s bid tid qd "
        "克 毫克 微克 千克 公斤 斤 升 毫升 分升 摩尔 毫摩尔 单位 国际单位 片 粒 支 瓶 丸 袋 枚 包 次 例 名 个 位 组 剂 "
        "秒 分 分钟 小时 天 日 周 星期 月 个月 季 年 岁 周岁 厘米 毫米 米 千卡 大卡 千焦 度 毫米汞柱 倍 成 期 级 型"
    ).split()
)
NEGATIONS = frozenset("不无未没非否勿莫")
NEGATIVE_WORDS = frozenset(
    ("避免", "除外", "排除", "阴性", "禁", "禁用", "禁忌", "停用", "停药", "缺", "缺乏", "缺如", "拒绝", "免于", "罕见")
)


def is_chinese(word: str) -> bool:
    """Return whether a word is written in hanzi alone."""
    return CHINESE.fullmatch(word) is not None


def is_punctuation(word: str) -> bool:
    """Return whether a word has no letter and no digit."""
    return not any(character.isalnum() for character in word)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with its words, all in offsets of the view.

    Parameters
    ----------
    start, end
        Where it is.
    words
        Its words, cut at the edges of entities and at white space, which belongs to none.
    segmentation
        The paper's segmentation ids, int8 ``[end - start]``: 0 begins a word, 1 continues one, -1 is a character of an
        entity (or white space, which is no token).
    """

    start: int
    end: int
    words: tuple[Span, ...]
    segmentation: NDArray[np.int8]


class Reading:
    """A document as augmenters read it.

    Parameters
    ----------
    document
        The document. The hulls of its entities are never changed, whatever lies between their fragments.
    segment
        The segmenter; a sentence is segmented on first use, or earlier by `segment_ahead`.

    Raises
    ------
    SuwenError
        S408, on the way, when the segmenter changes a sentence.
    """

    def __init__(self, document: Document, segment: Segmenter) -> None:
        self.document = document
        self.view = make_view(document.text)
        self.sentences = split_sentences(self.view)
        self.segment = segment
        self._known: dict[int, Sentence] = {}
        covered = np.zeros(len(document.text) + 1, np.int32)
        edges = np.zeros(len(document.text) + 1, np.bool_)
        for entity in document.entities:
            covered[entity.start] += 1
            covered[entity.end] -= 1
            edges[[entity.start, entity.end]] = True
        source = self.view.source
        self.layers: NDArray[np.int32] = np.cumsum(covered)[source]
        """The number of entities that contain each character of the view."""
        # An edge may lie in what the view leaves out: it is then between two characters of the view.
        self._edges = np.zeros(len(source) + 1, np.bool_)
        self._edges[np.searchsorted(source, np.flatnonzero(edges))] = True

    def owned(self, spans: Sequence[Span] | None) -> list[int]:
        """Return the numbers of the sentences that begin in one of the spans of the source."""
        if spans is None:
            return list(range(len(self.sentences)))
        if not spans:
            return []
        starts = np.array([start for start, _ in spans])
        ends = np.array([end for _, end in spans])
        begins = self.view.source[[start for start, _ in self.sentences]]
        places = np.searchsorted(starts, begins, side="right") - 1
        inside = (places >= 0) & (begins < ends[np.maximum(places, 0)])
        return [int(index) for index in np.flatnonzero(inside)]

    def sentence(self, index: int) -> Sentence:
        """Return the sentence of that number, cut into words."""
        if index not in self._known:
            self.add_segments(index, self.segment(self.text(self.sentences[index])))
        return self._known[index]

    def is_segmented(self, index: int) -> bool:
        """Return whether the sentence of that number was cut already."""
        return index in self._known

    def add_segments(self, index: int, segments: Sequence[str]) -> None:
        """Store the segmentation of the sentence of that number."""
        self._known[index] = self._cut(*self.sentences[index], segments)

    def _cut(self, start: int, end: int, segments: Sequence[str]) -> Sentence:
        text = self.view.text[start:end]
        cuts = {0, *accumulate(map(len, segments))}
        cuts.update(np.flatnonzero(self._edges[start:end]).tolist())
        for blank in BLANK.finditer(text):
            cuts.update(blank.span())
        words = [(first, last) for first, last in pairwise(sorted(cuts)) if not text[first].isspace()]
        segmentation = np.full(len(text), -1, np.int8)
        layers = self.layers[start:end]
        for first, last in words:
            if not layers[first]:
                segmentation[first:last] = 1
                segmentation[first] = 0
        return Sentence(start, end, tuple((start + first, start + last) for first, last in words), segmentation)

    def edges(self, span: Span) -> list[int]:
        """Return the places where entities begin or end in a span of the view."""
        return [span[0] + int(place) for place in np.flatnonzero(self._edges[span[0] : span[1]])]

    def taken(self, spans: Iterable[Span]) -> Flags:
        """Return the characters of the view that lie in these spans of the source."""
        flags = np.zeros(len(self.document.text), np.bool_)
        for start, end in spans:
            flags[start:end] = True
        return flags[self.view.source]

    def text(self, word: Span) -> str:
        """Return the characters of a word."""
        return self.view.text[word[0] : word[1]]


def segment_ahead(wanted: Iterable[tuple[Reading, Iterable[int]]]) -> None:
    """Segment sentences of several documents in one batch, by the segmenter that they share.

    Parameters
    ----------
    wanted
        Documents with the numbers of the sentences that will be asked for.
    """
    # Copies of a document share its reading.
    waiting = list(
        dict.fromkeys(
            (reading, index) for reading, indices in wanted for index in indices if not reading.is_segmented(index)
        )
    )
    if waiting:
        texts = [reading.text(reading.sentences[index]) for reading, index in waiting]
        for (reading, index), segments in zip(waiting, cut_all(waiting[0][0].segment, texts), strict=True):
            reading.add_segments(index, segments)


class Protection:
    """Decides which words are protected, because they carry too much of the meaning.

    Parameters
    ----------
    config
        Numbers, units and negation, each by choice.
    terms
        Terms of a lexicon; a word that touches one, the longest from left to right, is protected.
    """

    def __init__(self, config: ProtectionConfig, terms: Iterable[str] = ()) -> None:
        self._config = config
        entries = {fold(term): Entry("term", 1, 1) for term in terms}
        self._terms = Dictionary(entries) if entries else None

    @property
    def wanted(self) -> bool:
        """Return whether any kind of word is protected."""
        config = self._config
        return config.numbers or config.units or config.negation

    def free(self, reading: Reading, words: Sequence[Span]) -> list[Span]:
        """Return the words of a sentence that are not protected."""
        free = [word for word in words if not self.covers(reading.text(word))]
        if self._terms is None or not words:
            return free
        start, end = words[0][0], words[-1][1]
        flags = np.zeros(end - start, np.bool_)
        for first, last, _ in self._terms.matches(reading.view.text[start:end]):
            flags[first:last] = True
        return [(first, last) for first, last in free if not flags[first - start : last - start].any()]

    def covers(self, word: str) -> bool:
        """Return whether a word is a number, a unit or a negation that is protected; terms are not looked at."""
        config = self._config
        return (
            (config.numbers and _is_number(word))
            or (config.units and fold(word) in UNITS)
            or (config.negation and (not NEGATIONS.isdisjoint(word) or word in NEGATIVE_WORDS))
        )


def _is_number(word: str) -> bool:
    digits = word.replace("分之", "")
    return any(map(str.isdigit, word)) or all(
        character in NUMERALS or unicodedata.numeric(character, None) is not None for character in digits
    )
