"""The text of the tokens of a vocabulary, and which tokens may replace a word."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from suwen.augmentation.words import is_chinese
from suwen.tagging.vocabulary import CharacterVocabulary

if TYPE_CHECKING:
    from suwen.augmentation.config import BansConfig

__all__ = ["ANY", "CHINESE", "Replacements"]

ANY, CHINESE = 0, 1
"""Kinds of words: rows of `Replacements.allowed`."""

# [UNK], [unused1], <S>, </s>, <mask>
SPECIAL = re.compile(r"\[[^\]]+\]|<[^>]+>|▁+")
PIECE = "##"


class Replacements:
    """Texts and permissions of a model's tokens.

    Parameters
    ----------
    vocabulary
        The tokens.
    size
        How many the model knows; what the vocabulary does not name can be no replacement.
    bans
        What may not take the place of a Chinese word.
    """

    def __init__(self, vocabulary: CharacterVocabulary, size: int, bans: BansConfig) -> None:
        self.texts = [token.removeprefix(PIECE) if len(token) > len(PIECE) else token for token in vocabulary.tokens]
        self.allowed: NDArray[np.bool_] = np.zeros((2, size), np.bool_)
        for index, (token, text) in enumerate(zip(vocabulary.tokens, self.texts, strict=True)):
            if SPECIAL.fullmatch(token) or not text.isprintable() or not text or any(map(str.isspace, text)):
                continue
            self.allowed[ANY, index] = True
            self.allowed[CHINESE, index] = not (
                (bans.pieces and (len(token) != 1))
                or (bans.punctuation and not any(map(str.isalnum, text)))
                or (bans.latin and any(character.isalpha() and not is_chinese(character) for character in text))
                or (bans.digits and any(character.isnumeric() and not is_chinese(character) for character in text))
            )
