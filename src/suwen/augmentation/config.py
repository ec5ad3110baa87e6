"""The configuration of an augmentation: a preset, a TOML file, ``key=value`` settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from suwen.bundled import BUNDLED
from suwen.files import StrPath
from suwen.requirements import MODELS, segmenter_packages
from suwen.settings import Section, parse_settings, preset_settings, validated, with_overrides

__all__ = ["METHODS", "PRESETS", "RATES", "STEPS", "AugmentationConfig", "Method", "load_augmentation_config"]

Method = Literal["mlm", "mention", "token", "synonym", "composition"]
Step = Literal["mlm", "mention", "token", "synonym"]
METHODS: tuple[str, ...] = get_args(Method)
STEPS: tuple[str, ...] = get_args(Step)

MOST_CANDIDATES = 200
PAPER_ENCODER = "ernie"


class WordsConfig(Section):
    """The words that are masked (method ``mlm``)."""

    segmenter: Literal["thulac", "jieba", "none"] = "thulac"
    """Cuts words, for ``synonym`` and ``token`` too; ``none`` takes characters."""
    rate: float = Field(default=0.15, ge=0, le=1)
    """Share of the maskable words of a sentence that are masked; one at least if there is one, none at rate 0."""
    maskable: Literal["all", "chinese"] = "all"
    """Any word outside entities, or only words of hanzi."""
    shortest: PositiveInt = 1
    """The fewest characters of a word that is masked."""
    length: PositiveInt = 510
    """The maximum number of characters of an input; a longer sentence is cut between words."""


class FillingConfig(Section):
    """Prediction of the characters of a masked word."""

    order: Literal["independent", "left-to-right", "joint"] = "independent"
    """Each independently; from left to right; or the word as a whole, by beam search."""
    beam: PositiveInt = Field(default=8, le=MOST_CANDIDATES)
    """Beginnings of a word that a joint search follows."""


class SamplingConfig(Section):
    """Sampling from the model's predictions."""

    top_k: PositiveInt = Field(default=1, le=MOST_CANDIDATES)
    """Number of the most probable tokens to sample from; 1: the most probable one."""
    top_p: float = Field(default=1.0, gt=0, le=1)
    """Nucleus sampling: the fewest of these tokens that reach this share of their probability."""
    temperature: float = Field(default=1.0, gt=0)
    """Probabilities are raised to 1 / temperature: below 1 prefers probable words, above 1 rare ones."""
    least_probability: float = Field(default=0.0, ge=0, lt=1)
    """Characters that the model gives less are not taken; a word without a choice stays as it is."""


class BansConfig(Section):
    """Tokens that never replace a Chinese word (special tokens are always banned)."""

    same_word: bool = False
    """The word itself."""
    pieces: bool = False
    """Word pieces (``##``) and tokens of several characters."""
    punctuation: bool = False
    """Punctuation and symbols."""
    latin: bool = False
    """Letters other than hanzi."""
    digits: bool = False
    """Digits of any script."""


class ProtectionConfig(Section):
    """Words that are not masked."""

    numbers: bool = False
    units: bool = False
    negation: bool = False
    lexicon: tuple[Path, ...] = ()
    """Files with terms, one a line."""


class CheckConfig(Section):
    """Checks that undo replacements by a model."""

    words: bool = False
    """Undo replacements that the segmenter does not accept as words."""
    mentions: Literal["any", "document", "training"] = "any"
    """Undo replacements that form a mention of the same document or of the training part; ``any``: no check."""
    tries: PositiveInt = 3
    """Attempts for a word before it stays unchanged."""
    model: Path | None = None
    """A trained tagger: in sentences where it finds other entities than before, the edits of any method are undone."""


class MentionConfig(Section):
    """Mention replacement (Dai and Adel, 2020): another mention of the same type, from the training part."""

    rate: float = Field(default=0.3, ge=0, le=1)
    draw: Literal["occurrence", "distinct"] = "occurrence"
    """``occurrence``: draw by frequency; ``distinct``: all different mentions equally."""


class TokenConfig(Section):
    """Label-wise token replacement (Dai and Adel, 2020): another word that stood under the same tag."""

    rate: float = Field(default=0.15, ge=0, le=1)


class SynonymConfig(Section):
    """Replacement of words outside entities by synonyms from a lexicon, or by neighbors among word vectors."""

    rate: float = Field(default=0.15, ge=0, le=1)
    lexicon: tuple[Path, ...] = ()
    """Files with one group of synonyms a line."""
    vectors: Path | None = None
    """Word vectors in word2vec's text format; the nearest words are taken for synonyms (Wang and Yang 2015)."""
    neighbors: PositiveInt = 10
    """The most neighbors of a word."""
    similarity: float = Field(default=0.6, gt=0, le=1)
    """The least cosine similarity of a neighbor."""


class TargetConfig(Section):
    """The amount of generated documents."""

    copies: PositiveInt = 1
    """Documents generated from each."""
    documents: NonNegativeInt = 0
    """Total number of documents, instead of `copies`; 0: no target."""
    mentions: NonNegativeInt = 0
    """Number of mentions that each label should have: sentences with rarer labels are copied."""
    most_copies: PositiveInt = 20
    """Maximum copies of a sentence for `mentions`."""


class ReportConfig(Section):
    """Sizes of the report."""

    samples: NonNegativeInt = 60
    """Sentences side by side."""
    perplexity: NonNegativeInt = 50
    """Edited sentences of which the pseudo-perplexity is taken, before and after; needs a masked language model."""


class AugmentationConfig(Section):
    """All settings of an augmentation."""

    preset: str
    method: Method = "mlm"
    steps: tuple[Step, ...] = ("mention", "mlm")
    """The methods of a composition, in order; no step changes the edits of an earlier one."""
    encoder: str = ""
    """The masked language model; empty is ``ernie``, or with the preset ``best`` the bundled one."""
    words: WordsConfig = WordsConfig()
    filling: FillingConfig = FillingConfig()
    sampling: SamplingConfig = SamplingConfig()
    bans: BansConfig = BansConfig()
    protection: ProtectionConfig = ProtectionConfig()
    check: CheckConfig = CheckConfig()
    mention: MentionConfig = MentionConfig()
    token: TokenConfig = TokenConfig()
    synonym: SynonymConfig = SynonymConfig()
    target: TargetConfig = TargetConfig()
    near_copies: float = Field(default=0.0, ge=0, le=1)
    """Generated documents with this similarity to their original, or to each other, are removed; 0 keeps all."""
    report: ReportConfig = ReportConfig()
    seed: int = Field(default=0, ge=0, lt=2**32)

    @model_validator(mode="after")
    def _complete(self) -> AugmentationConfig:
        if not self.steps or len(set(self.steps)) < len(self.steps):
            raise ValueError("steps must name at least one method, and none twice")
        if "synonym" in self.methods and not (self.synonym.lexicon or self.synonym.vectors):
            needed = "synonym.lexicon (--synonyms FILE) or synonym.vectors (--vectors FILE)"
            raise ValueError(f"the method synonym needs {needed}")
        if self.target.documents and self.target.copies > 1:
            raise ValueError("target.copies and target.documents cannot both be set")
        return self

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that are applied, in order."""
        return self.steps if self.method == "composition" else (self.method,)

    @property
    def masked_language_model(self) -> str:
        """The name of the masked language model; empty if neither the methods nor the user need one."""
        wanted = PAPER_ENCODER if self.preset == "paper" else BUNDLED
        return self.encoder or (wanted if "mlm" in self.methods else "")

    @property
    def cuts_words(self) -> bool:
        """Return whether the methods need words; mentions alone do not."""
        return set(self.methods) != {"mention"}

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages of the extras that the methods need."""
        segmenter = segmenter_packages(self.words.segmenter) if self.cuts_words else ()
        return (*(MODELS if self.masked_language_model else ()), *segmenter)

    @property
    def changes_nothing(self) -> bool:
        """Return whether every method has the rate 0."""
        rates = {"mlm": self.words.rate, **{name: getattr(self, name).rate for name in STEPS if name != "mlm"}}
        return not any(rates[method] for method in self.methods)


RATES = {"mlm": "words.rate", "mention": "mention.rate", "token": "token.rate", "synonym": "synonym.rate"}
"""The key of each method's rate."""

PRESETS: dict[str, dict[str, Any]] = {
    # Section 3.1 of the paper: any word outside entities, masked whole, each position the most probable prediction.
    "paper": {},
    "best": {
        "words": {"maskable": "chinese"},
        "filling": {"order": "left-to-right"},
        "sampling": {"top_k": 10, "top_p": 0.9, "least_probability": 0.02},
        "bans": {"same_word": True, "pieces": True, "punctuation": True, "latin": True, "digits": True},
        "protection": {"numbers": True, "units": True, "negation": True},
        "check": {"words": True, "mentions": "document"},
        "near_copies": 0.98,
    },
}
"""``paper`` is exactly the paper's method; ``best`` fills whole words, samples, and protects meaning."""


def load_augmentation_config(
    preset: str = "best",
    file: StrPath | None = None,
    options: Mapping[str, Any] | None = None,
    settings: Sequence[str] = (),
) -> AugmentationConfig:
    """Put a configuration together: preset, then file, then options, then ``key=value`` settings; later ones win.

    Parameters
    ----------
    file
        A TOML file with the tables of `AugmentationConfig`; its ``preset`` wins over the argument.
    options
        Values by dotted key; ``rate`` stands for the rate of every method that is applied.
    settings
        Strings such as ``sampling.top_k=20``; the value is TOML, or a plain string.

    Raises
    ------
    SuwenError
        S401 for a misspelt key, S402 for a bad value, S403 for broken TOML, S404 for an unknown preset.
    """
    file = None if file is None else Path(file)
    overrides = {**(options or {}), **parse_settings(settings)}
    rate = overrides.pop("rate", None)
    values = preset_settings(PRESETS, preset, file, overrides).values
    config = validated(AugmentationConfig, values, file)
    if rate is None:
        return config
    rates = {RATES[method]: rate for method in config.methods}
    return validated(AugmentationConfig, with_overrides(values, rates), file)
