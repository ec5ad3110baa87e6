"""Word vectors, learned from much text, as inputs of a tagger with little training data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from suwen.errors import SuwenError
from suwen.tagging.lexicon import WORD_IDS, Lexicon, known_words
from suwen.tagging.vocabulary import CharacterVocabulary
from suwen.text.word_vectors import word_vector_lines

__all__ = ["WordVectors", "read_word_vectors"]


class WordVectors(nn.Module):
    """The vectors of the words that begin at a position, that it is inside of, and that end there, side by side.

    They are SoftLexicon's features (Ma et al. 2020, section 3.2) and do not learn: a word that no annotated article
    has keeps its place among those that they have.

    Parameters
    ----------
    words, width
        Ids (0 stands for no word) and numbers in a vector.
    dropout
        The probability with which each of the three is left out at a position, in training.
    """

    def __init__(self, words: int, width: int, dropout: float) -> None:
        super().__init__()
        self.options = {"words": words, "width": width, "dropout": dropout}
        self.table = nn.Embedding(words, width).requires_grad_(False)
        self.dropout = dropout
        self.width = len(WORD_IDS) * width

    def forward(self, **ids: Tensor) -> Tensor:
        """Map the int64 ids ``[B, T]`` of `Lexicon.ids` to vectors ``[B, T, 3 * width]``."""
        vectors = [self.table(ids[name]) for name in WORD_IDS]
        if self.training and self.dropout:
            vectors = [one * self._kept(one) for one in vectors]
        return torch.cat(vectors, dim=2)

    def _kept(self, vectors: Tensor) -> Tensor:
        """Return 1 where a position's word stays, 0 elsewhere, ``[B, T, 1]``."""
        kept = torch.rand(vectors.shape[:2], device=vectors.device) >= self.dropout
        return kept[..., None].to(vectors.dtype)


def read_word_vectors(path: Path, characters: CharacterVocabulary, dropout: float) -> tuple[Lexicon, WordVectors]:
    """Read vectors in word2vec's text format, as gensim, fastText and word2vec write them.

    Words of one character, of more than `suwen.tagging.lexicon.LONGEST_WORD`, and with characters that the vocabulary
    lacks are left out. All vectors are scaled by one number, so that their values have a variance of 1.

    Raises
    ------
    SuwenError
        S517 with the line when the file is in another format or none of its words can be used; S101 and S113 when it
        cannot be read.
    """
    words, rows = [], []
    for word, vector in word_vector_lines(path):
        words.append(word)
        rows.append(vector)
    kept = known_words(words, characters)
    if not kept:
        raise SuwenError("S517", path, reason="it has no word of 2 to 8 characters that the vocabulary knows")
    matrix = np.stack([rows[i] for i in kept])
    deviation = float(matrix.std(dtype=np.float64))
    if not deviation:
        raise SuwenError("S517", path, reason="all numbers are equal")
    vectors = WordVectors(len(kept) + 1, matrix.shape[1], dropout)
    # Without a word the vector is zero.
    vectors.table.weight[0] = 0
    vectors.table.weight[1:] = torch.from_numpy(matrix / deviation)
    return Lexicon.of_words([words[i] for i in kept], characters), vectors
