"""ERNIE-tiny's tokens: its sentencepiece model and its dictionary of words, read without running code."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suwen.errors import SuwenError
from suwen.files import os_error
from suwen.models.checkpoints.array_pickle import load_plain_pickle
from suwen.models.checkpoints.tensor_bundle import DamagedError, protobuf_fields
from suwen.tagging.alignment import SPACE, Subwords
from suwen.tagging.vocabulary import CharacterVocabulary

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["read_subwords"]

DICTIONARY = "dict.wordseg.pickle"
NORMAL, UNKNOWN, USER_DEFINED = 1, 2, 4
UNIGRAM, BPE = 1, 2

Piece = tuple[str, float, int]


def read_subwords(folder: Path, vocabulary: CharacterVocabulary) -> Subwords | None:
    """Read the sub-word tokenizer of an encoder's folder, or None when it has none.

    It is a ``*.model`` of sentencepiece here or in ``subword/``, and ``dict.wordseg.pickle`` beside it.

    Raises
    ------
    SuwenError
        S505 when the dictionary is missing or there are several models, S509 when a file is damaged, S514 when the
        dictionary asks for code.
    """
    models = sorted([*folder.glob("*.model"), *folder.glob("subword/*.model")])
    if not models:
        return None
    if len(models) > 1:
        raise SuwenError("S505", folder, reason=f"it has several sentencepiece models ({models[0]}, {models[1]})")
    dictionary = models[0].with_name(DICTIONARY)
    if not dictionary.is_file():
        raise SuwenError("S505", folder, reason=f"its vocabulary is of sub-words, but {DICTIONARY} is missing")
    words = load_plain_pickle(dictionary)
    if not isinstance(words, dict | set | frozenset | list | tuple) or not all(isinstance(w, str) for w in words):
        raise SuwenError("S509", dictionary, reason="it holds no words")
    return Subwords(_tokenizer(models[0]), words, vocabulary)


def _tokenizer(path: Path) -> Tokenizer:
    """Return a sentencepiece model (``sentencepiece_model.proto``) as a tokenizer."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    try:
        fields = list(protobuf_fields(path.read_bytes()))
        pieces = [_piece(value) for number, value in fields if number == 1]
        trainer = {k: v for number, value in fields if number == 2 for k, v in _parts(value)}
        rules = {k: v for number, value in fields if number == 3 for k, v in _parts(value)}
    except OSError as error:
        raise os_error(error, path) from None
    except (DamagedError, UnicodeDecodeError, struct.error) as error:
        raise SuwenError("S509", path, reason=str(error)) from None
    kind = trainer.get(3, UNIGRAM)
    unknown = next((i for i, piece in enumerate(pieces) if piece[2] == UNKNOWN), None)
    if unknown is None or kind not in (UNIGRAM, BPE):
        raise SuwenError("S509", path, reason="it is not a sentencepiece model")
    model: Any
    if kind == UNIGRAM:
        model = models.Unigram([(text, score) for text, score, _ in pieces], unknown, False)
    else:
        model = models.BPE(
            {text: i for i, (text, _, _) in enumerate(pieces)},
            _merges(pieces),
            unk_token=pieces[unknown][0],
            fuse_unk=True,
        )
    tokenizer = Tokenizer(model)
    steps: list[Any] = [normalizers.Replace(Regex(" {2,}"), " ")]
    characters = rules.get(2)
    if isinstance(characters, bytes) and characters:
        steps.insert(0, normalizers.Precompiled(characters))
    tokenizer.normalizer = normalizers.Sequence(steps)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(SPACE, "always")
    return tokenizer


def _parts(data: int | bytes) -> Iterator[tuple[int, int | bytes]]:
    if isinstance(data, int):
        raise DamagedError("a field is a number where a message should be")
    yield from protobuf_fields(data)


def _piece(data: int | bytes) -> Piece:
    text, score, kind = "", 0.0, NORMAL
    for number, value in _parts(data):
        if number == 1 and isinstance(value, bytes):
            text = value.decode()
        elif number == 2 and isinstance(value, bytes):
            score = struct.unpack("<f", value)[0]
        elif number == 3 and isinstance(value, int):
            kind = value
    return text, score, kind


def _merges(pieces: list[Piece]) -> list[tuple[str, str]]:
    """Return the pairs that make a piece, the best piece first, as sentencepiece merges them."""
    known = {text for text, _, kind in pieces if kind in (NORMAL, USER_DEFINED)}
    merges = [
        (-score, i, text[:cut], text[cut:])
        for i, (text, score, kind) in enumerate(pieces)
        if kind in (NORMAL, USER_DEFINED)
        for cut in range(1, len(text))
        if text[:cut] in known and text[cut:] in known
    ]
    return [(left, right) for _, _, left, right in sorted(merges)]
