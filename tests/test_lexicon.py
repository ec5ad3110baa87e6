"""Words of a lexicon, and their vectors."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from suwen.errors import SuwenError
from suwen.models.word_vectors import WordVectors, read_word_vectors
from suwen.tagging.encode import Featurizer
from suwen.tagging.lexicon import LEXICON, LONGEST_WORD, WORD_IDS, Lexicon, known_words
from suwen.tagging.vocabulary import CharacterVocabulary
from suwen.text.windows import Window

ALPHABET = "甲乙丙丁a"
CHARACTERS = CharacterVocabulary.from_texts([ALPHABET], minimum=1)
VECTORS = "3 2\n二甲 0.5 1\n二甲双胍 -1 2\n患者 0 -0.25\n"


def longest(text: str, words: list[str]) -> dict[str, list[int]]:
    """The definition, character by character."""
    found: dict[str, list[int]] = {name: [0] * len(text) for name in WORD_IDS}
    places = [
        (start, start + len(word), number)
        for number, word in enumerate(words, 1)
        for start in range(len(text))
        if text.startswith(word, start)
    ]
    for i in range(len(text)):
        here = {
            "word_begin_ids": [place for place in places if place[0] == i],
            "word_inside_ids": [place for place in places if place[0] < i < place[1] - 1],
            "word_end_ids": [place for place in places if place[1] - 1 == i],
        }
        for name, several in here.items():
            if several:
                found[name][i] = min(several, key=lambda place: (place[0] - place[1], place[0]))[2]
    return found


@given(st.text(ALPHABET, max_size=40), st.lists(st.text(ALPHABET, min_size=2, max_size=LONGEST_WORD), unique=True))
def test_lexicon_finds_the_longest_word_at_every_position(text: str, words: list[str]) -> None:
    found = Lexicon.of_words(words, CHARACTERS).ids(CHARACTERS.ids(text))
    assert {name: ids.tolist() for name, ids in found.items()} == longest(text, words)


def test_lexicon_reads_its_own_output(tmp_path: Path) -> None:
    lexicon = Lexicon.of_words(["甲乙", "丙丁a"], CHARACTERS)
    lexicon.write(tmp_path / LEXICON)
    again = Lexicon.read(tmp_path / LEXICON)
    assert len(again) == 3
    text = CHARACTERS.ids("甲乙丙丁A")
    assert all((again.ids(text)[name] == ids).all() for name, ids in lexicon.ids(text).items())
    assert "甲乙".encode() not in (tmp_path / LEXICON).read_bytes()


@pytest.mark.parametrize(
    "damaged",
    [b"", b"\x93NUMPY", b"PK\x03\x04", np.zeros((2, 3)), np.zeros((1, 2), np.uint64), np.array([[9, 1]], np.uint64)],
)
def test_lexicon_that_is_damaged_is_refused(tmp_path: Path, damaged: bytes | np.ndarray) -> None:
    path = tmp_path / LEXICON
    path.write_bytes(damaged) if isinstance(damaged, bytes) else np.save(path, damaged)
    with pytest.raises(SuwenError, match=r"S501 .*lexicon"):
        Lexicon.read(path)


def test_lexicon_never_unpickles(tmp_path: Path) -> None:
    np.save(tmp_path / LEXICON, np.array([object()]), allow_pickle=True)
    with pytest.raises(SuwenError, match="S501"):
        Lexicon.read(tmp_path / LEXICON)


def test_lexicon_takes_words_that_can_be_found() -> None:
    words = ["甲", "甲乙", "甲x", "甲乙丙丁甲乙丙丁a", "丁A", "丁a"]
    assert [words[i] for i in known_words(words, CHARACTERS)] == ["甲乙", "丁A"]


def test_featurizer_gives_special_tokens_no_words() -> None:
    lexicon = Lexicon.of_words(["甲乙"], CHARACTERS)
    featurizer = Featurizer(CHARACTERS, special_tokens=True, lexicon=lexicon)
    assert featurizer.names == ("input_ids", *WORD_IDS)
    arrays = featurizer.window(featurizer.arrays("甲乙丙"), Window(0, 3, 0, 3))
    assert arrays["word_begin_ids"].tolist() == [0, 1, 0, 0, 0]
    assert arrays["word_end_ids"].tolist() == [0, 0, 1, 0, 0]
    assert {len(array) for array in arrays.values()} == {5}


def test_word_vectors_are_read_and_scaled(tmp_path: Path) -> None:
    (tmp_path / "vectors.txt").write_text(VECTORS, encoding="utf-8")
    characters = CharacterVocabulary.from_texts(["二甲双胍"], minimum=1)
    lexicon, vectors = read_word_vectors(tmp_path / "vectors.txt", characters, 0.5)
    matrix = np.array([[0.5, 1], [-1, 2]])
    np.testing.assert_allclose(vectors.table.weight[1:].numpy(), matrix / matrix.std(), rtol=1e-6)
    assert not vectors.table.weight[0].any()
    assert lexicon.ids(characters.ids("二甲双胍"))["word_begin_ids"].tolist() == [2, 0, 0, 0]
    assert not any(parameter.requires_grad for parameter in vectors.parameters())


def test_word_vectors_of_other_systems_are_read(tmp_path: Path) -> None:
    (tmp_path / "vectors.txt").write_text("\ufeff2 2\r\n二甲 1 2 \r\n双胍 3 1 \r\n", encoding="utf-8", newline="")
    lexicon, vectors = read_word_vectors(
        tmp_path / "vectors.txt", CharacterVocabulary.from_texts(["二甲双胍"], minimum=1), 0.0
    )
    assert len(lexicon) == len(vectors.table.weight) == 3


def test_word_vectors_stand_side_by_side_and_are_left_out_in_training() -> None:
    vectors = WordVectors(4, 5, 0.5)
    ids = {name: torch.full((3, 50), number) for number, name in enumerate(WORD_IDS, 1)}
    whole = vectors.eval()(**ids)
    assert torch.equal(whole, vectors.table.weight[1:].reshape(-1).expand(3, 50, -1))
    shares = vectors.train()(**ids).view(3, 50, 3, 5)
    kept = (shares != 0).all(dim=3)
    assert torch.equal(shares, torch.where(kept[..., None], whole.view(3, 50, 3, 5), 0))
    assert 0.3 < kept.float().mean() < 0.7


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 1, "first line"),
        ("二甲 1 2\n", 1, "first line"),
        ("1 0\n二甲\n", 1, "first line"),
        ("9" * 5000 + " 2\n", 1, "first line"),
        ("1 2\n二甲 2e50 1\n", 2, "2 finite numbers"),
        ("2 2\n二甲 1 2\n", None, "says 2 words, there are 1"),
        ("1 2\n二甲 1\n", 2, "2 finite numbers"),
        ("1 2\n二甲 1 nan\n", 2, "2 finite numbers"),
        ("1 2\n二甲 1 x\n", 2, "not all numbers"),
        ("1 2\n患者 1 2\n", None, "no word"),
        ("1 2\n二甲 1 1\n", None, "equal"),
    ],
)
def test_word_vectors_in_another_form_are_refused(tmp_path: Path, text: str, line: int | None, reason: str) -> None:
    path = tmp_path / "vectors.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SuwenError, match=f"S517.*{reason}") as caught:
        read_word_vectors(path, CharacterVocabulary.from_texts(["二甲双胍"], minimum=1), 0.0)
    assert caught.value.line == line
