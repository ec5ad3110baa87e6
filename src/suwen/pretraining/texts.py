"""The texts that a run reads, beside its configuration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from suwen.errors import SuwenError
from suwen.models.vocabularies import read_vocabulary
from suwen.pretraining.passages import Exclusion
from suwen.pretraining.text_cache import checked_vocabulary
from suwen.tagging.vocabulary import CharacterVocabulary

__all__ = ["NO_EXCLUSION", "Texts", "given_vocabulary"]

NO_EXCLUSION = Exclusion()


@dataclass(frozen=True)
class Texts:
    """The inputs of a run in addition to its configuration.

    Parameters
    ----------
    paths
        Files and folders of plain text.
    vocabulary
        A ``vocab.txt``; None takes the characters of the texts, or the vocabulary of `base`.
    lexicon
        Files with terms, for entity-level masking.
    exclusion
        Documents to leave out.
    base
        The folder of an encoder to continue from.
    cache
        Where the texts are kept as ids; None keeps them with the unfinished run. With a folder, runs share them.
    """

    paths: tuple[Path, ...]
    vocabulary: Path | None = None
    lexicon: tuple[Path, ...] = ()
    exclusion: Exclusion = NO_EXCLUSION
    base: Path | None = None
    cache: Path | None = None


def given_vocabulary(texts: Texts) -> CharacterVocabulary | None:
    """Read the vocabulary that was given, or that of the encoder to continue from.

    Raises
    ------
    SuwenError
        S505 for an unusable one, S406 for both.
    """
    if texts.base is not None:
        if texts.vocabulary is not None:
            advice = "leave --vocab out: the encoder's own vocabulary is kept"
            raise SuwenError("S406", first="--from", second="--vocab", advice=advice)
        return checked_vocabulary(read_vocabulary(texts.base), texts.base)
    if texts.vocabulary is None:
        return None
    try:
        return checked_vocabulary(CharacterVocabulary.read(texts.vocabulary), texts.vocabulary)
    except SuwenError as error:
        raise error.at(texts.vocabulary, error.line) from None
