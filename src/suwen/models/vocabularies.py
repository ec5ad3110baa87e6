"""The vocabularies of encoder folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from suwen.errors import SuwenError
from suwen.files import read_json
from suwen.tagging.vocabulary import CLS, SEP, CharacterVocabulary

__all__ = ["read_vocabulary"]


def read_vocabulary(folder: Path, specials: Sequence[str] = (CLS, SEP)) -> CharacterVocabulary:
    """Read the vocabulary of an encoder folder: ``vocab.txt``, or the word list inside ``tokenizer.json``.

    Parameters
    ----------
    specials
        The special tokens that must be there beside ``[PAD]`` and ``[UNK]``.

    Raises
    ------
    SuwenError
        S505 when there is neither, or a special token is missing.
    """
    if (folder / "vocab.txt").is_file():
        vocabulary = CharacterVocabulary.read(folder / "vocab.txt")
    elif (folder / "tokenizer.json").is_file():
        match read_json(folder / "tokenizer.json"):
            case {"model": {"vocab": dict(words)}} if all(isinstance(number, int) for number in words.values()):
                vocabulary = CharacterVocabulary(sorted(words, key=words.__getitem__))
            case _:
                raise SuwenError("S505", folder, reason="tokenizer.json holds no word list")
    else:
        raise SuwenError("S505", folder, reason="the folder has neither vocab.txt nor tokenizer.json")
    for special in specials:
        vocabulary.id(special)
    return vocabulary
