from __future__ import annotations

import pytest

from suwen.corpus.leakage import leakage_report, other_split
from suwen.corpus.near_copies import NearCopy
from suwen.corpus.sentences import sentence_spans
from suwen.corpus.split import Selection, whole
from suwen.document import Document, Entity

TRAIN = Document(
    "t",
    "口服二甲双胍控制空腹血糖。未见异常。\n\n患者血压升高伴有头痛三天。",
    (Entity("Drug", 2, 6), Entity("Test", 8, 12), Entity("Test", 22, 24)),
)
TEST = Document(
    "s",
    "口服二甲双 胍控制空腹血糖。未见异常。胰岛素治疗后血糖明显下降。",
    (Entity("Drug", 2, 7), Entity("Disease", 9, 13), Entity("Drug", 19, 22), Entity("Test", 25, 27)),
)


def test_leakage_counts_sentences_and_mentions_that_are_also_in_train() -> None:
    report = leakage_report({"train": whole([TRAIN]), "test": whole([TEST])}, [])
    # The short sentence is in both, but too short to count; a surface with another label has not been seen.
    assert report["parts"] == {
        "test": {
            "sentences": 2,
            "seen_sentences": 1,
            "seen_sentences_share": 0.5,
            "mentions": 4,
            "seen_mentions": 1,
            "seen_mentions_share": 0.25,
        }
    }


def test_leakage_counts_only_what_the_parts_own() -> None:
    first, _, third = sentence_spans(TRAIN.text)
    parts = {
        "train": [Selection(TRAIN, (third,))],
        "dev": [Selection(TRAIN, (first,))],
        "test": whole([TEST]),
    }
    report = leakage_report(parts, [])["parts"]
    assert (report["dev"]["sentences"], report["dev"]["mentions"]) == (1, 2)
    assert (report["dev"]["seen_sentences"], report["dev"]["seen_mentions"]) == (0, 0)
    assert (report["test"]["seen_sentences"], report["test"]["seen_mentions"]) == (0, 0)


def test_leakage_joins_the_pieces_of_a_mention() -> None:
    wrapped = Document("w", "给予二甲\n双胍", (Entity("Drug", 2, 7, ((2, 4), (5, 7))),))
    report = leakage_report({"train": whole([wrapped]), "test": whole([TEST])}, [])
    assert report["parts"]["test"]["seen_mentions"] == 1


def test_leakage_reports_which_parts_own_near_copies() -> None:
    parts = {"train": whole([TRAIN]), "dev": whole([Document("d", "")]), "test": whole([TEST])}
    copies = [NearCopy("s", "t", 0.91234), NearCopy("t", "u", 0.5)]
    assert leakage_report(parts, copies)["near_copies"] == [
        {"first": "s", "second": "t", "resemblance": 0.9123, "parts": ["train", "test"]},
        {"first": "t", "second": "u", "resemblance": 0.5, "parts": ["train"]},
    ]


def test_leakage_of_a_part_without_sentences_and_mentions_is_none() -> None:
    parts = {"train": whole([TRAIN]), "test": whole([Document("d", "")])}
    assert leakage_report(parts, [])["parts"]["test"]["seen_mentions_share"] == 0


@pytest.mark.parametrize(
    ("learned", "split_hash", "expected"),
    [
        ({}, None, None),
        ({"data_hash": "another"}, None, None),
        ({"data_hash": "same", "split": {"hash": "s"}}, "s", None),
        ({"data_hash": "same", "split": {"hash": "s"}}, "t", "with another split"),
        ({"data_hash": "same", "split": {"hash": "s"}}, None, "with another split"),
        ({"data_hash": "same", "split": None}, "s", "without a split file"),
    ],
)
def test_leakage_names_a_model_of_the_same_corpus_and_another_split(learned, split_hash, expected) -> None:
    found = other_split(learned, "same", split_hash)
    assert (found is None) if expected is None else (expected in found)
