"""The masked language model: the same predictions in every batch, logits where they are wanted and nowhere else."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from tiny_masked_lm import CLASSES, HANZI, SPECIALS, TOKENS, write_tiny_masked_lm

from suwen.augmentation import masked_lm
from suwen.augmentation.config import BansConfig, SamplingConfig
from suwen.augmentation.filling import pick
from suwen.augmentation.masked_lm import NOISE, UNITS, MaskedLanguageModel
from suwen.augmentation.replacements import ANY, CHINESE, Replacements
from suwen.errors import SuwenError
from suwen.models.pretrained import load_masked_lm

BANS = {"pieces": True, "punctuation": True, "latin": True, "digits": True}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    return {name: write_tiny_masked_lm(root / name, name) for name in CLASSES}


@pytest.fixture(scope="module")
def model(folders):
    return MaskedLanguageModel.from_folder(folders["bert"])


def replacements(model: MaskedLanguageModel, **bans: bool) -> Replacements:
    return Replacements(model.vocabulary, model.size, BansConfig(**bans))


def questions(seed: int, count: int = 12):
    """Inputs with some characters masked: rows, places, kinds."""
    draw = np.random.default_rng(seed)
    rows, places, kinds = [], [], []
    for _ in range(count):
        length = int(draw.integers(1, 30))
        row = draw.integers(len(SPECIALS), len(TOKENS), length).astype(np.int32)
        chosen = np.flatnonzero(draw.random(length) < 0.3)
        row[chosen] = TOKENS.index("[MASK]")
        rows.append(row)
        places.append(chosen)
        kinds.append(draw.integers(0, 2, len(chosen)))
    return rows, places, kinds


@pytest.mark.parametrize("name", CLASSES)
def test_masked_lm_predicts_as_the_library_does(folders, name) -> None:
    own = MaskedLanguageModel.from_folder(folders[name])
    plain, vocabulary = load_masked_lm(folders[name])
    allowed = replacements(own).allowed
    rows, places, kinds = questions(1)
    found = own.candidates(
        rows, places, np.zeros_like(kinds, dtype=object) if not kinds else [row * ANY for row in kinds], allowed, 3
    )
    for row, chosen, (ids, units) in zip(rows, places, found, strict=True):
        inputs = torch.tensor([[vocabulary.id("[CLS]"), *row, vocabulary.id("[SEP]")]])
        with torch.inference_mode():
            probabilities = plain(input_ids=inputs).logits[0].softmax(1)[1:-1].numpy()
        for place, best, shares in zip(chosen, ids, units, strict=True):
            expected = np.where(allowed[ANY], probabilities[place], 0)
            assert best.tolist() == np.argsort(-expected)[:3].tolist()
            assert np.abs(shares / UNITS - expected[best]).max() <= 0.5 / UNITS + 1e-4


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 99), st.sampled_from([1, 30, 100, 5000]), st.randoms(use_true_random=False))
def test_masked_lm_does_not_depend_on_batches(folders, seed, tokens, random) -> None:
    rows, places, kinds = questions(seed)
    one = MaskedLanguageModel.from_folder(folders["bert"])
    other = MaskedLanguageModel.from_folder(folders["bert"], batch_tokens=tokens)
    allowed = replacements(one, **BANS).allowed
    expected = one.candidates(rows, places, kinds, allowed, 5)
    order = list(range(len(rows)))
    random.shuffle(order)
    found = other.candidates(
        [rows[i] for i in order], [places[i] for i in order], [kinds[i] for i in order], allowed, 5
    )
    for i, (ids, units) in zip(order, found, strict=True):
        drawn = units > 0
        assert ids[drawn].tolist() == expected[i][0][expected[i][1] > 0].tolist()
        assert units.tolist() == expected[i][1].tolist()


@settings(deadline=None, max_examples=6)
@given(st.integers(0, 999))
def test_masked_lm_does_not_depend_on_how_kernels_round(folders, seed) -> None:
    """With all the noise that it allows for, in each batch another, nothing that can be drawn changes."""
    rows, places, kinds = questions(seed, 30)
    exact, noisy = (MaskedLanguageModel.from_folder(folders["ngram-bert"]) for _ in range(2))
    allowed = replacements(exact, **BANS).allowed
    draw = np.random.default_rng(seed)
    plain = noisy._logits

    def rounded_otherwise(network, asked):
        scores = plain(network, asked)
        # Half of it, because the sum of all tokens that a logit is measured by is off as well.
        error = NOISE / 2 if scores.dtype == torch.float32 else 1e-13
        return scores + torch.from_numpy(draw.uniform(-error, error, scores.shape)).to(scores.dtype) * 0.9

    noisy._logits = rounded_otherwise
    for count in (1, 2, 10):
        expected = exact.candidates(rows, places, kinds, allowed, count)
        found = noisy.candidates(rows, places, kinds, allowed, count)
        for (ids, units), (other_ids, other_units) in zip(expected, found, strict=True):
            assert units.tolist() == other_units.tolist()
            assert ids[:, :1].tolist() == other_ids[:, :1].tolist()
            assert ids[units > 0].tolist() == other_ids[units > 0].tolist()
    assert noisy.recomputed > 0


def test_masked_lm_breaks_ties_by_id(folders) -> None:
    model = MaskedLanguageModel.from_folder(folders["bert"])
    with torch.no_grad():
        decoder = model._model.cls.predictions.decoder
        decoder.weight[10:20] = decoder.weight[10].clone()
        decoder.bias[10:20] = 90
    allowed = replacements(model).allowed
    rows, places, kinds = questions(3)
    for ids, _ in model.candidates(rows, places, [row * ANY for row in kinds], allowed, 4):
        assert ids.tolist() == [[10, 11, 12, 13]] * len(ids)


def test_masked_lm_measures_pseudo_perplexity(model) -> None:
    text = "糖尿病患者X"
    total, count = model.log_probability(text)
    assert count == 5
    expected = 0.0
    for place in range(5):
        ids = model.vocabulary.ids(text).astype(np.int64)
        target, ids[place] = int(ids[place]), model.mask
        inputs = torch.tensor([[model.vocabulary.id("[CLS]"), *ids, model.vocabulary.id("[SEP]")]])
        with torch.inference_mode():
            expected += float(model._model(input_ids=inputs).logits[0, place + 1].log_softmax(0)[target])
    assert total == pytest.approx(expected, abs=1e-4)


def test_masked_lm_refuses_another_vocabulary_and_sub_words(folders, tmp_path) -> None:
    large = write_tiny_masked_lm(tmp_path / "large", vocab_size=len(TOKENS) + 200)
    with pytest.raises(SuwenError, match=r"S505 .*64 tokens, the model 264.*belong together"):
        MaskedLanguageModel.from_folder(large)
    padded = write_tiny_masked_lm(tmp_path / "padded", vocab_size=128)
    assert MaskedLanguageModel.from_folder(padded).size == 128
    small = write_tiny_masked_lm(tmp_path / "small")
    with (small / "vocab.txt").open("a", encoding="utf-8") as file:
        file.write("多\n")
    with pytest.raises(SuwenError, match="S505"):
        MaskedLanguageModel.from_folder(small)
    (padded / "spm.model").write_bytes(b"")
    with pytest.raises(SuwenError, match="S505"):
        MaskedLanguageModel.from_folder(padded)


def test_masked_lm_refuses_a_head_that_was_never_trained(folders, tmp_path) -> None:
    folder = write_tiny_masked_lm(tmp_path / "headless")
    tensors = load_file(folder / "model.safetensors")
    kept = {name: tensor for name, tensor in tensors.items() if not name.startswith("cls.")}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(SuwenError, match="S513"):
        MaskedLanguageModel.from_folder(folder)


def test_masked_lm_reports_which_device_it_cannot_use(folders) -> None:
    with pytest.raises(SuwenError, match="S512 cannot run on the device 'abacus'"):
        MaskedLanguageModel.from_folder(folders["bert"], "abacus")


def test_masked_lm_bounds_the_positions_of_a_batch(model, monkeypatch) -> None:
    monkeypatch.setattr(masked_lm, "MOST_PLACES", 4)
    _, places, _ = questions(4)
    batches = list(model._batches([np.zeros(5)] * len(places), places))
    assert sorted(i for batch in batches for i in batch) == list(range(len(places)))
    assert all(len(batch) == 1 or sum(len(places[i]) for i in batch) <= 4 for batch in batches)


def test_replacements_are_never_special(model) -> None:
    for bans in ({}, BANS):
        made = replacements(model, **bans)
        for kind in (ANY, CHINESE):
            texts = {made.texts[i] for i in np.flatnonzero(made.allowed[kind])}
            assert not texts & {*SPECIALS, "<S>", ""}
            assert not any(text.startswith("##") for text in texts)
    allowed = replacements(model, **BANS).allowed[CHINESE]
    assert {TOKENS[i] for i in np.flatnonzero(allowed)} == set(HANZI)
    everything = {TOKENS[i] for i in np.flatnonzero(replacements(model).allowed[CHINESE])}
    assert {"##病", "##mg", "hba", "。", "a", "1"} <= everything


def options(**values) -> SamplingConfig:
    return SamplingConfig(**values)


SHARES = np.array([0.5, 0.3, 0.1, 0.06, 0.04])


@pytest.mark.parametrize(
    ("sampling", "possible"),
    [
        (options(), {0}),
        (options(top_k=3), {0, 1, 2}),
        (options(top_k=5, top_p=0.8), {0, 1}),
        (options(top_k=5, top_p=0.81), {0, 1, 2}),
        (options(top_k=5, least_probability=0.06), {0, 1, 2, 3}),
        (options(top_k=5, temperature=0.01), {0}),
        (options(top_k=5, least_probability=0.6), {None}),
        (options(top_k=1, least_probability=0.6), {None}),
    ],
)
def test_pick_draws_from_what_the_knobs_leave(sampling, possible) -> None:
    assert {pick(SHARES, sampling, draw) for draw in np.linspace(0, 1, 200, endpoint=False)} == possible


def test_pick_draws_by_probability() -> None:
    draws = np.linspace(0, 1, 10_000, endpoint=False)
    for temperature in (0.5, 1.0, 2.0):
        weights = SHARES ** (1 / temperature)
        counts = np.bincount([pick(SHARES, options(top_k=5, temperature=temperature), draw) for draw in draws])
        assert np.abs(counts / len(draws) - weights / weights.sum()).max() < 2e-3
    assert pick(np.array([0.4, 0.0]), options(top_k=2), 0.999) == 0
    assert pick(np.array([0.0, 0.0]), options(top_k=2), 0.5) is None
    assert pick(np.array([0.0]), options(), 0.5) == 0
    assert pick(np.array([]), options(), 0.5) is None
