"""Replacements that are no words, or make up mentions, are taken back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suwen.augmentation.config import CheckConfig
from suwen.augmentation.word_check import WordCheck
from suwen.augmentation.words import Reading
from suwen.corpus.split import whole
from suwen.document import Document, Entity

WORDS = ["患者", "病人", "口服", "空腹", "血糖", "二甲双胍", "糖尿病", "升高"]
SOURCE = Document(
    "a", "患者口服二甲双胍,血糖升高", (Entity("Drug", 4, 8), Entity("Test", 9, 11), Entity("Level", 11, 12))
)


def segment(text: str) -> list[str]:
    """The longest known words from left to right."""
    found = []
    while text:
        word = next((w for w in sorted(WORDS, key=len, reverse=True) if text.startswith(w)), text[0])
        found.append(word)
        text = text[len(word) :]
    return found


def rejected(check: WordCheck, source: Document, *changes: tuple[int, str]) -> list[str]:
    reading = Reading(source, segment)
    characters = list(reading.view.text)
    for start, new in changes:
        characters[start : start + len(new)] = new
    words = [(start, start + len(new)) for start, new in changes]
    bad = check.rejected(reading, (0, len(characters)), characters, words)
    return ["".join(characters[slice(*word)]) for word in bad]


@pytest.mark.parametrize(
    ("changes", "bad"),
    [
        ([(0, "病人")], []),
        ([(0, "病者")], ["病者"]),
        ([(0, "病人"), (2, "糖尿")], ["糖尿"]),
        ([(0, "糖尿"), (2, "病人")], ["糖尿", "病人"]),
        ([(2, "空腹")], []),
    ],
)
def test_word_check_wants_words(changes, bad) -> None:
    check = WordCheck(CheckConfig(words=True), segment, [])
    assert check.wanted
    assert rejected(check, SOURCE, *changes) == bad


def test_word_check_takes_the_edges_of_entities_for_edges_of_words() -> None:
    source = Document("a", "患者血糖", (Entity("Test", 2, 4),))
    check = WordCheck(CheckConfig(words=True), lambda text: [text] if text == "空腹血糖" else segment(text), [])
    assert rejected(check, source, (0, "空腹")) == []


def test_word_check_wants_no_mention_that_nobody_annotated() -> None:
    check = WordCheck(CheckConfig(mentions="document"), segment, [])
    assert rejected(check, SOURCE, (0, "血糖"), (2, "病人")) == ["血糖"]
    assert rejected(check, SOURCE, (1, "血"), (2, "糖升")) == ["血", "糖升"]
    assert rejected(check, SOURCE, (0, "高升")) == []
    other = Document("b", "空腹血糖。", (Entity("Test", 0, 4),))
    assert rejected(check, SOURCE, (0, "空腹")) == []
    training = WordCheck(CheckConfig(mentions="training"), segment, whole([SOURCE, other]))
    joined = Document("c", "患者血糖", (Entity("Test", 2, 4),))
    assert rejected(training, joined, (0, "空腹")) == ["空腹"]
    assert not WordCheck(CheckConfig(), segment, []).wanted


@settings(deadline=None)
@given(st.lists(st.sampled_from([*WORDS, "的", "。"]), min_size=1, max_size=8), st.data())
def test_word_check_leaves_only_words_without_mentions(parts, data) -> None:
    text = "".join(parts)
    reading = Reading(Document("a", text, SOURCE.entities if text == SOURCE.text else ()), segment)
    check = WordCheck(CheckConfig(words=True, mentions="training"), segment, whole([SOURCE]))
    words = [word for index in range(len(reading.sentences)) for word in reading.sentence(index).words]
    chosen = data.draw(st.lists(st.sampled_from(words), unique=True).map(sorted)) if words else []
    characters = list(text)
    for start, end in chosen:
        characters[start:end] = data.draw(st.text("患者血糖二甲双胍", min_size=end - start, max_size=end - start))
    bad = check.rejected(reading, (0, len(text)), characters, chosen)
    for start, end in bad:
        characters[start:end] = text[start:end]
    again = WordCheck(CheckConfig(mentions="training"), segment, whole([SOURCE]))
    assert again.rejected(reading, (0, len(text)), characters, [word for word in chosen if word not in bad]) == []
