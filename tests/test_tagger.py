"""Recurrent layers, encoders and the tagger."""

from itertools import product
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from torch import nn

from suwen.errors import SuwenError
from suwen.files import read_json, write_json
from suwen.models.convolutional import DILATIONS, DilatedConvolutions
from suwen.models.encoders import RecurrentEncoder, TransformerEncoder
from suwen.models.recurrent import Recurrent
from suwen.models.scorer import TorchScorer
from suwen.models.tagger import HEADS, Tagger
from suwen.models.weights import read_tagger, write_tagger
from suwen.schemes import BIO

TAGS = BIO.tags(["Drug", "Disease"])
BERT = {
    "model_type": "bert",
    "vocab_size": 20,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 64,
}


def recurrent_encoder(cell: Literal["lstm", "cnn"] = "lstm") -> RecurrentEncoder:
    return RecurrentEncoder(cell, 20, 8, 8, 2, 0.1, bigrams=12, bigram_embedding=4)


def batch(lengths: list[int], bigrams: bool = True) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    longest = max(lengths)
    mask = (torch.arange(longest) < torch.tensor(lengths)[:, None]).long()
    ids = torch.randint(5, 20, (len(lengths), longest), generator=generator)
    inputs = {"input_ids": ids * mask, "attention_mask": mask}
    if bigrams:
        inputs["bigram_ids"] = torch.randint(1, 12, ids.shape, generator=generator) * mask
    return inputs


@pytest.mark.parametrize(("cell", "layers", "bidirectional"), product(["lstm", "gru"], [1, 2], [True, False]))
def test_recurrent_equals_packed_sequences(cell: str, layers: int, bidirectional: bool) -> None:
    torch.manual_seed(0)
    ours = Recurrent(cell, 6, 5, layers, bidirectional)
    reference = {"lstm": nn.LSTM, "gru": nn.GRU}[cell](6, 5, layers, batch_first=True, bidirectional=bidirectional)
    with torch.no_grad():
        for i in range(layers):
            for suffix, layer_list in (("", ours.forward_layers), ("_reverse", ours.backward_layers)):
                if len(layer_list):
                    for name, parameter in layer_list[i].named_parameters():
                        getattr(reference, name.replace("_l0", f"_l{i}{suffix}")).copy_(parameter)
    inputs, lengths = torch.randn(3, 7, 6), torch.tensor([7, 3, 1])
    packed = nn.utils.rnn.pack_padded_sequence(inputs, lengths, batch_first=True)
    expected, _ = nn.utils.rnn.pad_packed_sequence(reference(packed)[0], batch_first=True)
    found = ours(inputs, lengths)
    for row, length in enumerate(lengths):
        torch.testing.assert_close(found[row, :length], expected[row, :length])


def test_recurrent_starts_with_xavier_gates_and_zero_biases() -> None:
    layer = Recurrent("lstm", 30, 50).forward_layers[0]
    assert not layer.bias_ih_l0.any()
    assert not layer.bias_hh_l0.any()
    bound = (6 / (30 + 50)) ** 0.5
    assert 0.9 * bound < float(layer.weight_ih_l0.detach().abs().max()) <= bound


def test_tagger_starts_with_a_xavier_classifier_and_zero_biases() -> None:
    tagger = Tagger(recurrent_encoder(), "fc", TAGS, BIO)
    assert not tagger.classifier.bias.any()
    assert float(tagger.classifier.weight.detach().abs().max()) <= (6 / (16 + len(TAGS))) ** 0.5


@pytest.mark.parametrize("blocks", [1, 2])
def test_convolutions_neither_see_padding_nor_beyond_their_reach(blocks: int) -> None:
    torch.manual_seed(0)
    layers = DilatedConvolutions(5, 8, blocks).eval()
    reach = blocks * sum(DILATIONS)
    inputs = torch.randn(2, 80, 5)
    lengths = torch.tensor([80, 50])
    with torch.no_grad():
        expected = layers(inputs, lengths)
        torch.testing.assert_close(layers(inputs[1:, :50], lengths[1:]), expected[1:, :50])
        assert not expected[1, 50:].any()
        inputs[1, 50:] = 7
        assert torch.equal(layers(inputs, lengths), expected)
        inputs[0, 40] += 1
        changed = (layers(inputs, lengths) - expected).abs().amax(dim=2)[0] > 1e-6
    assert changed.nonzero().flatten().tolist() == list(range(40 - reach, 40 + reach + 1))


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("kind", ["lstm", "cnn", "transformer"])
def test_tagger_scores_do_not_depend_on_padding_or_neighbors(head: str, kind: str) -> None:
    torch.manual_seed(0)
    encoders = {
        "lstm": recurrent_encoder,
        "cnn": lambda: recurrent_encoder("cnn"),
        "transformer": lambda: TransformerEncoder(BERT),
    }
    encoder = encoders[kind]()
    tagger = Tagger(encoder, head, TAGS, BIO, hidden=6).eval()
    inputs = batch([9, 4, 1], bigrams=kind != "transformer")
    with torch.no_grad():
        together = tagger.emissions(**inputs)
        for row, length in enumerate([9, 4, 1]):
            alone = tagger.emissions(**{name: array[row : row + 1, :length] for name, array in inputs.items()})
            torch.testing.assert_close(together[row, :length], alone[0], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("head", HEADS)
def test_tagger_loss_counts_only_the_core(head: str) -> None:
    torch.manual_seed(0)
    tagger = Tagger(recurrent_encoder(), head, TAGS, BIO, hidden=6).eval()
    inputs = batch([9, 6])
    tags = torch.tensor([[0, 1, 2, 0], [1, 2, 99, 99]]) % len(TAGS)
    core = {"core_start": torch.tensor([3, 2]), "core_length": torch.tensor([4, 2])}
    together = tagger(**inputs, **core, tags=tags)["loss"]
    losses = []
    for row, (length, count) in enumerate([(9, 4), (6, 2)]):
        alone = {name: array[row : row + 1, :length] for name, array in inputs.items()}
        cut = {name: value[row : row + 1] for name, value in core.items()}
        losses.append(tagger(**alone, **cut, tags=tags[row : row + 1, :count])["loss"] * count)
    torch.testing.assert_close(together, sum(losses) / 6)


def test_tagger_feature_extraction_learns_only_above_the_encoder() -> None:
    torch.manual_seed(0)
    tagger = Tagger(TransformerEncoder(BERT), "bilstm-crf", TAGS, BIO, hidden=4, frozen=True)
    before = {name: parameter.clone() for name, parameter in tagger.named_parameters()}
    optimizer = torch.optim.SGD([p for p in tagger.parameters() if p.requires_grad], lr=0.5)
    tagger.train()
    assert not tagger.encoder.training
    inputs = batch([9, 6], bigrams=False)
    tags = torch.tensor([[0, 1, 2], [1, 2, 0]])
    tagger(**inputs, core_start=torch.tensor([1, 1]), core_length=torch.tensor([3, 3]), tags=tags)["loss"].backward()
    optimizer.step()
    changed = {name.split(".")[0] for name, value in tagger.named_parameters() if not torch.equal(value, before[name])}
    assert changed == {"recurrent", "classifier", "crf"}


@pytest.mark.parametrize(
    "change", [{"hidden_size": -16}, {"hidden_size": "16"}, {"hidden_size": 15}, {"model_type": "no-such"}]
)
def test_tagger_of_an_impossible_configuration_is_refused(tmp_path: Path, change: dict) -> None:
    write_tagger(Tagger(TransformerEncoder(BERT), "crf", TAGS, BIO), tmp_path)
    config = read_json(tmp_path / "config.json")
    write_json(tmp_path / "config.json", {**config, "encoder": {**config["encoder"], **change}})
    with pytest.raises(SuwenError, match=r"S501 .*config\.json: .*unusable configuration"):
        read_tagger(tmp_path, TAGS, BIO)


def test_scorer_leaves_the_mode_of_the_tagger_alone() -> None:
    tagger = Tagger(recurrent_encoder(), "crf", TAGS, BIO).train()
    inputs = {name: array.numpy().astype(np.int32) for name, array in batch([5, 3]).items()}
    first = TorchScorer(tagger).emissions(inputs)
    assert tagger.training
    assert first.dtype == np.float32
    assert first.shape == (2, 5, len(TAGS))
    np.testing.assert_array_equal(first, TorchScorer(tagger).emissions(inputs))
