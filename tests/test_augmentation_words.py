"""Words: cut at entity edges, with the paper's segmentation ids, and which of them are protected."""

import pytest
from augmented_documents import document, documents
from hypothesis import given, settings

from suwen.augmentation.config import ProtectionConfig
from suwen.augmentation.words import Protection, Reading, is_chinese, is_punctuation
from suwen.document import Document, Entity


def pairs(text: str) -> list[str]:
    """A segmenter that knows nothing: words of two characters."""
    return [text[start : start + 2] for start in range(0, len(text), 2)]


@settings(deadline=None)
@given(documents())
def test_words_never_hold_entities_or_white_space(source) -> None:
    reading = Reading(source, pairs)
    hulls = {place for entity in source.entities for place in range(entity.start, entity.end)}
    for index, (start, end) in enumerate(reading.sentences):
        sentence = reading.sentence(index)
        assert (sentence.start, sentence.end) == (start, end)
        covered = [place for first, last in sentence.words for place in range(first, last)]
        assert covered == [place for place in range(start, end) if not reading.view.text[place].isspace()]
        for place in range(start, end):
            inside = int(reading.view.source[place]) in hulls
            free = place in covered and not inside
            assert (sentence.segmentation[place - start] >= 0) == free
        for first, last in sentence.words:
            within = {int(reading.view.source[place]) in hulls for place in range(first, last)}
            assert len(within) == 1
            if within == {False}:
                assert sentence.segmentation[first - start : last - start].tolist() == [0] + [1] * (last - first - 1)


def test_words_have_the_segmentation_ids_of_the_paper() -> None:
    source = Document("a", "糖尿病病人口服胰岛素治疗", (Entity("Disease", 0, 3), Entity("Drug", 7, 10)))
    reading = Reading(source, lambda text: ["糖尿病", "病人", "口服", "胰岛素", "治疗"])
    assert reading.sentence(0).segmentation.tolist() == [-1, -1, -1, 0, 1, 0, 1, -1, -1, -1, 0, 1]


def test_words_are_cut_at_the_edges_of_entities() -> None:
    source = Document("a", "老年糖尿病患者", (Entity("Disease", 2, 5),))
    reading = Reading(source, lambda text: [text])
    assert [reading.text(word) for word in reading.sentence(0).words] == ["老年", "糖尿病", "患者"]


def test_words_of_sentences_that_begin_in_a_span() -> None:
    reading = Reading(document(), pairs)
    starts = [int(reading.view.source[start]) for start, _ in reading.sentences]
    assert reading.owned(None) == list(range(len(starts)))
    assert reading.owned([(0, starts[0] + 1), (starts[2], len(document().text))]) == [0, 2]
    assert reading.owned([(starts[1] + 1, starts[2])]) == []
    assert reading.owned([]) == []


def test_words_between_fragments_belong_to_the_entity() -> None:
    source = Document("a", "左、右肾肿大", (Entity("Anatomy", 0, 4, ((0, 1), (3, 4))),))
    assert Reading(source, list).sentence(0).segmentation.tolist() == [-1, -1, -1, -1, 0, 0]


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, ["不", "升高", "三", "次", "10", "患者", "格列", "美脲", "无效", "一般"]),
        ({"numbers": True}, ["不", "升高", "次", "患者", "格列", "美脲", "无效", "一般"]),
        ({"units": True}, ["不", "升高", "三", "10", "患者", "格列", "美脲", "无效", "一般"]),
        ({"negation": True}, ["升高", "三", "次", "10", "患者", "格列", "美脲", "一般"]),
    ],
)
def test_protection_leaves_words_alone(options, kept) -> None:
    words = ["不", "升高", "三", "次", "10", "患者", "格列", "美脲", "无效", "一般"]
    reading = Reading(Document("a", "".join(words)), lambda text: words)
    protection = Protection(ProtectionConfig(**options))
    assert [reading.text(word) for word in protection.free(reading, reading.sentence(0).words)] == kept


def test_protection_of_terms_covers_every_word_that_they_touch() -> None:
    words = ["口服", "格列", "美脲", "治疗"]
    reading = Reading(Document("a", "".join(words)), lambda text: words)
    protection = Protection(ProtectionConfig(), ["格列美脲", "服药"])
    assert [reading.text(word) for word in protection.free(reading, reading.sentence(0).words)] == ["口服", "治疗"]


def test_words_know_their_script() -> None:
    assert [is_chinese(word) for word in ("患者", "〇", "A型", "1", "。")] == [True, True, False, False, False]
    assert [is_punctuation(word) for word in ("。", "——", "a", "患", "±")] == [True, True, False, False, True]
