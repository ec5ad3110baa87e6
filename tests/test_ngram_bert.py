"""The small encoder's own architecture."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from suwen.models.encoders import TransformerEncoder
from suwen.models.ngram_bert import NgramBertConfig, NgramBertForMaskedLM, NgramBertModel
from suwen.models.pretrained import load_encoder, load_masked_lm
from suwen.models.tagger import Tagger
from suwen.models.weights import read_tagger, write_tagger
from suwen.schemes import BIO
from suwen.tagging.vocabulary import CharacterVocabulary

TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"糖尿病患者高血压胰岛素"]


def small(**options) -> NgramBertConfig:
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    return NgramBertConfig(
        **{"vocab_size": len(TOKENS), **sizes, "bigram_buckets": 64, "bigram_width": 8, "initializer_range": 0.3}
        | options
    )


@pytest.fixture(scope="module")
def model() -> NgramBertModel:
    torch.manual_seed(0)
    return NgramBertModel(small(), add_pooling_layer=False).eval()


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, 12), min_size=1, max_size=4), st.integers(0, 2**32))
def test_ngram_bert_depends_on_no_padding_and_no_neighbor_in_the_batch(lengths, seed) -> None:
    torch.manual_seed(0)
    model = NgramBertModel(small(), add_pooling_layer=False).eval()
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(0, len(TOKENS), (len(lengths), max(lengths)), generator=generator)
    mask = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
    together = model(input_ids=ids, attention_mask=mask).last_hidden_state
    for row, length in enumerate(lengths):
        alone = model(input_ids=ids[row : row + 1, :length]).last_hidden_state[0]
        torch.testing.assert_close(together[row, :length], alone, rtol=1e-4, atol=1e-5)


def test_ngram_bert_sees_order_near_and_far(model) -> None:
    ids = torch.tensor([[2, 5, 6, 7, 8, 9, 10, 3]])
    before = model(input_ids=ids).last_hidden_state
    for swapped in ([2, 6, 5, 7, 8, 9, 10, 3], [2, 10, 6, 7, 8, 9, 5, 3]):
        after = model(input_ids=torch.tensor([swapped])).last_hidden_state
        assert (before[0, 3] - after[0, 3]).abs().max() > 1e-3


def test_ngram_bert_ties_the_predictions_to_the_characters() -> None:
    model = NgramBertForMaskedLM(small())
    assert model.cls.predictions.decoder.weight is model.bert.embeddings.word_embeddings.weight


def test_ngram_bert_folder_is_loaded_with_and_without_its_head(tmp_path) -> None:
    torch.manual_seed(1)
    model = NgramBertForMaskedLM(small()).eval()
    model.save_pretrained(tmp_path)
    CharacterVocabulary(TOKENS).write(tmp_path / "vocab.txt")
    ids = torch.tensor([[2, 5, 6, 4, 3]])
    torch.testing.assert_close(load_masked_lm(tmp_path)[0](input_ids=ids).logits, model(input_ids=ids).logits)
    expected = model.bert(input_ids=ids).last_hidden_state
    torch.testing.assert_close(load_encoder(tmp_path).eval()(input_ids=ids).last_hidden_state, expected)


@pytest.mark.parametrize("head", ["fc", "crf"])
def test_ngram_bert_tagger_keeps_its_own_model_type(tmp_path, head) -> None:
    tags = BIO.tags(["disease", "drug"])
    tagger = Tagger(TransformerEncoder(small().to_dict()), head, tags, BIO).eval()
    write_tagger(tagger, tmp_path)
    again = read_tagger(tmp_path, tags, BIO).eval()
    ids, mask = torch.tensor([[2, 5, 6, 7, 3]]), torch.ones(1, 5, dtype=torch.long)
    torch.testing.assert_close(again.emissions(ids, mask), tagger.emissions(ids, mask))
    assert '"suwen-tagger"' in (tmp_path / "config.json").read_text(encoding="utf-8")
