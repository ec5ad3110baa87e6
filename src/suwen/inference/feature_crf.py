"""The feature CRF baseline: hand-made features of characters, weighed by CRFsuite (the paper's section 2.1)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suwen.errors import SuwenError
from suwen.inference.dictionary import DICTIONARY, Dictionary, fold
from suwen.inference.sentence_extractor import SentenceExtractor, SentenceSettings
from suwen.model_folder import StoredModel
from suwen.requirements import require_packages
from suwen.schemes import Scheme, ScoredSpan, scheme_named

if TYPE_CHECKING:
    import pycrfsuite

__all__ = ["FEATURES", "WEIGHTS", "FeatureCRFExtractor", "character_features", "load_feature_crf"]

WEIGHTS = "crf.crfsuite"

FEATURES = 1
"""The number of the set of features. A model is read only with the set that it was trained with."""

Item = tuple[str, ...]

# Two marks on either side stand for the characters beyond the sentence.
BEFORE, AFTER = "\x02\x02", "\x03\x03"

RUN = re.compile(r"[a-z0-9α-ω.%/+-]+")
DIGITS = re.compile(r"[0-9]+")

CLASSES = (
    ("0", re.compile(r"[0-9０-９]")),
    ("A", re.compile(r"[A-ZＡ-Ｚ]")),
    ("a", re.compile(r"[a-zａ-ｚ]")),
    ("g", re.compile(r"[Α-Ωα-ω]")),
    ("n", re.compile(r"[一二三四五六七八九十百千万两半]")),
    ("h", re.compile(r"[㐀-䶿一-鿿]")),
    ("s", re.compile(r"\s")),
    ("w", re.compile(r"\w")),
)


class _ClassOf(dict[int, str]):
    def __missing__(self, point: int) -> str:
        character = chr(point)
        self[point] = next((name for name, kind in CLASSES if kind.match(character)), "p")
        return self[point]


_CLASS_OF = _ClassOf()


def character_features(sentence: str, dictionary: Dictionary) -> list[Item]:
    """Return the features of each character of a sentence.

    Characters, pairs and triples within two characters; classes (digit, capital, letter, Greek, Chinese numeral, hanzi,
    white space, other word, punctuation) of five characters; the shape of the run of letters and digits around it; and
    its place in a match of the dictionary, with those of its neighbors.
    """
    folded = fold(sentence)
    text = BEFORE + folded + AFTER
    kinds = BEFORE + sentence.translate(_CLASS_OF) + AFTER
    places = ["", *_dictionary_places(sentence, dictionary), ""]
    return [
        (
            f"a{l2}", f"b{l1}", f"c{here}", f"d{r1}", f"e{r2}",
            f"f{l2}{l1}", f"g{l1}{here}", f"h{here}{r1}", f"i{r1}{r2}", f"j{l1}{r1}",
            f"k{l2}{l1}{here}", f"l{l1}{here}{r1}", f"m{here}{r1}{r2}",
            f"n{kinds[t + 2]}", f"o{kinds[t + 1 : t + 4]}", f"p{kinds[t : t + 5]}",
            f"q{shape}", f"r{before}|{place}", f"s{place}|{after}",
        )
        for t, (l2, l1, here, r1, r2, shape, before, place, after) in enumerate(
            # The shortest ends it: what is shifted by two has a character less for each step.
            zip(
                text, text[1:], text[2:], text[3:], text[4:], _shapes(folded),
                places, places[1:], places[2:], strict=False,
            )
        )
    ]  # fmt: skip


def _shapes(folded: str) -> list[str]:
    """Return each character's run of letters and digits, numbers as ``0``; empty outside of a run."""
    shapes = [""] * len(folded)
    for run in RUN.finditer(folded):
        shapes[run.start() : run.end()] = [DIGITS.sub("0", run.group())] * len(run.group())
    return shapes


def _dictionary_places(sentence: str, dictionary: Dictionary) -> list[str]:
    """Return each character's place in a match: label, first or later, and whether the match has two characters."""
    places = [""] * len(sentence)
    for start, end, surface in dictionary.matches(sentence):
        label = dictionary.entries[surface].label
        size = min(end - start, 4)
        places[start:end] = [f"B{size}{label}", *[f"I{size}{label}"] * (end - start - 1)]
    return places


class FeatureCRFExtractor(SentenceExtractor):
    """Finds entities with a CRF over `character_features`.

    The confidence of an entity is the least of the marginal probabilities of its tags: an upper bound of the
    probability of the span, which CRFsuite does not give.

    Parameters
    ----------
    settings
        The entity types, and how a text is normalized.
    scheme
        The tagging scheme.
    dictionary
        The mentions of the training part.
    weights
        The file of the CRF.

    Raises
    ------
    SuwenError
        As `open_tagger`.
    """

    def __init__(self, settings: SentenceSettings, scheme: Scheme, dictionary: Dictionary, weights: Path) -> None:
        super().__init__(settings)
        self.scheme = scheme
        self.dictionary = dictionary
        self.weights = weights
        self._tagger = open_tagger(weights)

    def __reduce__(self) -> tuple[type[FeatureCRFExtractor], tuple[SentenceSettings, Scheme, Dictionary, Path]]:
        """Open the weights again in another process: a CRF of CRFsuite cannot be sent there."""
        return type(self), (self.settings, self.scheme, self.dictionary, self.weights)

    def find(self, sentence: str) -> list[ScoredSpan]:
        """Return the entities on the best path; where CRFsuite breaks the scheme, a new label begins a mention."""
        tags = self._tagger.tag(character_features(sentence, self.dictionary))
        return [
            (label, start, end, min(self._tagger.marginal(tags[t], t) for t in range(start, end)))
            for label, start, end in self.scheme.decode(tags, "conlleval")
        ]


def feature_crf_settings(settings: SentenceSettings, scheme: Scheme) -> dict[str, Any]:
    """Return the settings of a feature CRF for ``suwen.json``."""
    return {**settings.to_dict(), "scheme": scheme.name, "features": FEATURES}


def load_feature_crf(stored: StoredModel) -> FeatureCRFExtractor:
    """Load a model folder of the kind ``feature-crf``.

    Raises
    ------
    SuwenError
        S405 when python-crfsuite is not installed, S501 when the settings are not those of a feature CRF, S509 when the
        weights are damaged, and as `SentenceSettings.from_dict` and `Dictionary.read`.
    """
    path = stored.path / "suwen.json"
    values = dict(stored.settings)
    scheme, features = values.pop("scheme", None), values.pop("features", None)
    if not isinstance(scheme, str) or features != FEATURES:
        reason = f"scheme {scheme!r} and features {features!r}; this release reads features {FEATURES}"
        raise SuwenError("S501", path, reason=reason)
    settings = SentenceSettings.from_dict(values, path)
    dictionary = Dictionary.read(stored.path / DICTIONARY, settings.schema)
    return FeatureCRFExtractor(settings, scheme_named(scheme), dictionary, stored.path / WEIGHTS)


def open_tagger(path: Path) -> pycrfsuite.Tagger:
    """Open a file of CRFsuite's.

    Raises
    ------
    SuwenError
        S405 when python-crfsuite is not installed, S509 when the file is damaged.
    """
    require_packages("pycrfsuite")
    import pycrfsuite

    tagger = pycrfsuite.Tagger()
    try:
        tagger.open(str(path))
    except (OSError, ValueError, RuntimeError) as error:
        raise SuwenError("S509", path, reason=error) from None
    return tagger
