"""Vocabularies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.errors import SuwenError
from suwen.tagging.vocabulary import PAD, UNK, BigramVocabulary, CharacterVocabulary

TEXTS = ["二甲双胍每日三次", "二甲双胍联合HbA1c检测", "每日三次口服"]


def test_vocabulary_gives_one_id_per_code_point() -> None:
    vocabulary = CharacterVocabulary.from_texts(TEXTS, minimum=1)
    assert vocabulary.ids("二甲").tolist() == [vocabulary.id("二"), vocabulary.id("甲")]
    assert vocabulary.ids("").tolist() == []


@pytest.mark.parametrize(("character", "known"), [("H", "h"), ("h", "h"), ("1", "1"), ("A", "a")])
def test_vocabulary_looks_up_other_forms_of_a_character(character: str, known: str) -> None:
    vocabulary = CharacterVocabulary.from_texts(TEXTS, minimum=1)
    assert vocabulary.ids(character)[0] == vocabulary.id(known)


@pytest.mark.parametrize("character", ["\n", " ", "\u3000", "龘", "İ", "\x00", "😀"])
def test_vocabulary_maps_what_it_does_not_know_to_unk(character: str) -> None:
    assert CharacterVocabulary.from_texts(TEXTS, minimum=1).ids(character).tolist() == [1]


@given(st.text())
def test_vocabulary_keeps_the_length_of_any_text(text: str) -> None:
    vocabulary = CharacterVocabulary.from_texts(TEXTS, minimum=1)
    ids = vocabulary.ids(text)
    assert len(ids) == len(text)
    # Characters are looked up on their own: what stands around them does not matter.
    assert ids.tolist() == [int(vocabulary.ids(character)[0]) for character in text]


def test_vocabulary_without_unk_is_refused() -> None:
    with pytest.raises(SuwenError, match=r"^S505 the vocabulary has no \[UNK\]"):
        CharacterVocabulary([PAD, "二"])


def test_vocabulary_reads_its_own_output(tmp_path) -> None:
    vocabulary = CharacterVocabulary.from_texts(TEXTS, minimum=1)
    vocabulary.write(tmp_path / "vocab.txt")
    assert CharacterVocabulary.read(tmp_path / "vocab.txt").tokens == vocabulary.tokens
    bigrams = BigramVocabulary.from_texts(TEXTS, vocabulary, minimum=2)
    bigrams.write(tmp_path / "bigrams.txt")
    again = BigramVocabulary.read(tmp_path / "bigrams.txt", vocabulary)
    assert again.bigrams == bigrams.bigrams


def test_vocabulary_reads_lines_that_end_in_crlf(tmp_path) -> None:
    (tmp_path / "vocab.txt").write_bytes(f"{PAD}\r\n{UNK}\r\n二\r\n".encode())
    assert CharacterVocabulary.read(tmp_path / "vocab.txt").tokens == (PAD, UNK, "二")


def test_vocabulary_reads_ids_in_a_second_column(tmp_path) -> None:
    (tmp_path / "vocab.txt").write_text(f"{PAD}\t0\n{UNK}\t1\n二\t2\n", "utf-8")
    assert CharacterVocabulary.read(tmp_path / "vocab.txt").tokens == (PAD, UNK, "二")


@given(st.text(alphabet="二甲双胍每日三次x ", max_size=20))
def test_bigrams_are_those_of_neighboring_characters(text: str) -> None:
    vocabulary = CharacterVocabulary.from_texts(TEXTS, minimum=1)
    bigrams = BigramVocabulary.from_texts(TEXTS, vocabulary, minimum=2)
    known = {pair: i + 2 for i, pair in enumerate(bigrams.bigrams)}
    expected = [known.get(text[i : i + 2], 1) for i in range(len(text))]
    assert bigrams.ids(vocabulary.ids(text)).tolist() == expected


def test_bigrams_may_be_none_at_all() -> None:
    vocabulary = CharacterVocabulary.from_texts(TEXTS, minimum=1)
    assert BigramVocabulary([], vocabulary).ids(np.array([3, 4], np.int32)).tolist() == [1, 1]
