"""Masked words: the paper's method to the letter, and what the better preset adds."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from augmented_documents import document, documents
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_masked_lm import SPECIALS, TOKENS, write_tiny_masked_lm

from suwen.augmentation import augment, generation, replay
from suwen.augmentation.masked_lm import UNITS, MaskedLanguageModel
from suwen.augmentation.words import NEGATIONS, Reading, is_chinese
from suwen.document import Document, Entity
from suwen.errors import SuwenError

DRAWN = {"sampling.least_probability": 0.0}


def pairs(text: str) -> list[str]:
    return [text[start : start + 2] for start in range(0, len(text), 2)]


@pytest.fixture(scope="module", autouse=True)
def _words_of_two_characters():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generation, "segmenter_named", lambda name: pairs)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_tiny_masked_lm(tmp_path_factory.mktemp("models") / "bert")


@pytest.fixture(scope="module")
def model(folder):
    return MaskedLanguageModel.from_folder(folder)


def corpus(drawn: list[Document]) -> list[Document]:
    return [replace(source, id=f"{number}_{source.id}") for number, source in enumerate(drawn)]


corpora = st.lists(documents(), min_size=1, max_size=4).map(corpus)


def run(data, model, preset="best", **values):
    """An augmentation, or None where there is nothing that could be masked."""
    try:
        return augment(data, preset=preset, encoder=model, settings=DRAWN | values if preset == "best" else values)
    except SuwenError as error:
        if error.code != "S309":
            raise
        return None


@settings(deadline=None, max_examples=40)
@given(
    corpora,
    st.sampled_from(["paper", "best"]),
    st.sampled_from(["independent", "left-to-right", "joint"]),
    st.floats(0.05, 1),
    st.integers(0, 9),
)
def test_mlm_never_touches_entities_or_text_outside_its_edits(model, data, preset, order, rate, seed) -> None:
    values = {"filling.order": order, "words.rate": rate, "seed": seed, "near_copies": 0, "target.copies": 2}
    made = run(data, model, preset, **values)
    if made is None:
        return
    assert not made.failures
    assert replay(made.recipes, data) == made.documents
    originals = {source.id: source for source in data}
    for recipe, generated in zip(made.recipes, made.documents, strict=True):
        source = originals[recipe.source]
        assert [entity.label for entity in generated.entities] == [entity.label for entity in source.entities]
        for before, after in zip(source.entities, generated.entities, strict=True):
            assert generated.text[after.start : after.end] == source.text[before.start : before.end]
            assert generated.mention(after) == source.mention(before)
        assert not any(special in generated.text for special in (*SPECIALS, "##"))
        assert generated.relations == source.relations
        place, rebuilt = 0, ""
        for edit in recipe.edits:
            assert not any(entity.start < edit.end and edit.start < entity.end for entity in source.entities)
            assert "\n" not in edit.old
            rebuilt += source.text[place : edit.start] + edit.new
            place = edit.end
        assert rebuilt + source.text[place:] == generated.text
        if preset == "best":
            assert len(generated.text) == len(source.text)


@settings(deadline=None, max_examples=20)
@given(
    corpora,
    st.sampled_from(["paper", "best"]),
    st.sampled_from([8, 40, 4096]),
    st.sampled_from([1, 50]),
    st.randoms(use_true_random=False),
)
def test_mlm_depends_on_seed_document_and_copy_alone(folder, model, data, preset, tokens, pool, random) -> None:
    values = {"words.rate": 0.5, "near_copies": 0, "target.copies": 2}
    expected = run(data, model, preset, **values)
    if expected is None:
        return
    by_id = {recipe.id: recipe for recipe in expected.recipes}
    other = MaskedLanguageModel.from_folder(folder, batch_tokens=tokens)
    shuffled = random.sample(data, random.randint(1, len(data)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generation, "POOLED_CHARACTERS", pool)
        found = run(shuffled, other, preset, **values)
    for recipe in found.recipes if found else ():
        assert recipe == by_id[recipe.id]


@settings(deadline=None, max_examples=20)
@given(corpora, st.sampled_from(["paper", "best"]))
def test_mlm_at_rate_0_is_the_identity(model, data, preset) -> None:
    made = augment(data, "mlm", preset=preset, encoder=model, rate=0)
    assert [(one.text, one.entities, one.relations) for one in made.documents] == [
        (source.text, source.entities, source.relations) for source in data
    ]
    assert all(not recipe.edits for recipe in made.recipes)


def test_mlm_paper_masks_whole_words_and_takes_the_most_probable_characters(model) -> None:
    source = document()
    made = augment([source], "mlm", preset="paper", encoder=model, seed=3)
    reading = Reading(source, pairs)
    (recipe,) = made.recipes
    replaced = {edit.word for edit in recipe.edits}
    allowed = np.array([token not in SPECIALS and token != "<S>" for token in TOKENS])
    masked = compared = 0
    for index in range(len(reading.sentences)):
        sentence = reading.sentence(index)
        starts = np.flatnonzero(sentence.segmentation == 0)
        words = [word for word in sentence.words if word[0] - sentence.start in starts]
        count = max(1, round(0.15 * len(words))) if words else 0
        masked += count
        chosen = [word for word in words if word[0] in replaced]
        assert len(chosen) <= count
        if len(chosen) < count:
            continue  # a word was predicted as it was: the edits do not tell which
        ids = model.vocabulary.ids(reading.text((sentence.start, sentence.end))).astype(np.int64)
        for start, end in chosen:
            ids[start - sentence.start : end - sentence.start] = model.mask
        inputs = torch.tensor([[TOKENS.index("[CLS]"), *ids, TOKENS.index("[SEP]")]])
        with torch.inference_mode():
            logits = model._model(input_ids=inputs, token_type_ids=torch.zeros_like(inputs)).logits[0, 1:-1].numpy()
        best = np.where(allowed, logits, -np.inf).argmax(1)
        for start, end in chosen:
            tokens = best[start - sentence.start : end - sentence.start]
            parts = [edit for edit in recipe.edits if edit.word == start]
            # A line break may cut a word, and the part before or after it be predicted as it was.
            if sum(len(edit.old) for edit in parts) == end - start:
                assert "".join(edit.new for edit in parts) == "".join(TOKENS[i].removeprefix("##") for i in tokens)
                compared += 1
    assert compared >= 3
    assert made.counts["mlm: masked"] == masked
    assert made.counts["mlm: maskable"] == sum(
        int((reading.sentence(index).segmentation == 0).sum()) for index in range(len(reading.sentences))
    )


def test_mlm_best_replaces_chinese_words_by_other_chinese_words(model) -> None:
    made = augment([document()], "mlm", encoder=model, rate=1, settings=DRAWN)
    source = document()
    assert made.counts["mlm: replaced"] > 5
    for recipe in made.recipes:
        words = {}
        for edit in recipe.edits:
            old, new = words.get(edit.word, ("", ""))
            words[edit.word] = old + edit.old, new + edit.new
            assert is_chinese(edit.old)
            assert is_chinese(edit.new)
            assert edit.probability is not None
            assert source.text[edit.start : edit.end] == edit.old
        assert all(old != new for old, new in words.values())


@pytest.mark.parametrize("spared", [True, False])
def test_mlm_puts_in_no_negations_where_they_are_protected(model, spared) -> None:
    data = [Document(f"{number}", "老年患者口服治疗观察血糖明显下降。" * 6) for number in range(6)]
    values = {"words.rate": 1.0, "check.words": False, "protection.negation": spared, "sampling.top_k": 50}
    values |= {"sampling.top_p": 1.0, "sampling.temperature": 20.0, "check.tries": 2}
    made = run(data, model, **values)
    new = "".join(edit.new for recipe in made.recipes for edit in recipe.edits)
    assert new
    assert NEGATIONS.isdisjoint(new) == spared


def test_mlm_leaves_a_word_without_a_choice(model) -> None:
    made = augment([document()], "mlm", encoder=model, settings={"sampling.least_probability": 0.99})
    assert made.counts["mlm: without a choice"] == made.counts["mlm: masked"] > 0
    assert made.documents == []
    assert made.near_copies == ["138_5.mlm-1"]


@pytest.mark.parametrize("order", ["left-to-right", "joint"])
def test_mlm_fills_the_second_character_with_the_first_one_known(model, order) -> None:
    source = Document("a", "患者观察")
    values = {"filling.order": order, "sampling.top_k": 1, "bans.same_word": False, "near_copies": 0}
    made = augment([source], "mlm", encoder=model, rate=0.5, settings=DRAWN | values)
    (recipe,) = made.recipes
    start = recipe.edits[0].word
    ids = model.vocabulary.ids(source.text).astype(np.int32)
    ids[start : start + 2] = model.mask
    allowed = np.zeros((1, model.size), bool)
    allowed[0, [i for i, token in enumerate(TOKENS) if is_chinese(token)]] = True

    def best(row, place, count=1):
        ((found, units),) = model.candidates([row], [np.array([place])], [np.array([0])], allowed, count)
        return found[0].tolist(), units[0].tolist()

    words = {}
    for first, p in zip(*best(ids, start, 8), strict=True):
        row = ids.copy()
        row[start] = first
        (second,), (q,) = best(row, start + 1)
        words[TOKENS[first] + TOKENS[second]] = p * q
    expected = max(words, key=words.get) if order == "joint" else next(iter(words))
    assert recipe.edits[0].new == expected
    assert recipe.edits[0].probability == pytest.approx(words[expected] / UNITS**2)


def test_mlm_cuts_sentences_that_are_longer_than_the_model(tmp_path) -> None:
    model = MaskedLanguageModel.from_folder(write_tiny_masked_lm(tmp_path / "short", max_position_embeddings=40))
    source = Document("a", "老年糖尿病患者口服二甲双胍治疗" * 20, (Entity("Drug", 30, 90),))
    made = augment([source], "mlm", preset="paper", encoder=model)
    assert not made.failures
    assert made.counts["mlm: sentences"] == 1
    pieces = made.counts["mlm: masked"]
    assert pieces == pytest.approx(0.15 * made.counts["mlm: maskable"], rel=0.4)


def test_mlm_keeps_white_space_and_the_case_of_what_it_predicts_again(folder) -> None:
    model = MaskedLanguageModel.from_folder(folder)
    with torch.no_grad():
        model._model.cls.predictions.decoder.bias[TOKENS.index("a")] = 99
    made = augment([Document("a", "A 患 者A")], "mlm", preset="paper", encoder=model, rate=1)
    assert made.documents[0].text == "A a aA"
    assert made.counts["mlm: predicted as it was"] == 1
