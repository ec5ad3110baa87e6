"""A masked language model of random weights whose predictions are sharp enough to be drawn from."""

from pathlib import Path

import torch
from transformers import BertConfig, BertForMaskedLM, ErnieConfig, ErnieForMaskedLM
from transformers.utils import logging

from suwen.models.ngram_bert import NgramBertConfig, NgramBertForMaskedLM
from suwen.tagging.vocabulary import CLS, MASK, PAD, SEP, UNK

CLASSES = {
    "bert": (BertConfig, BertForMaskedLM),
    "ernie": (ErnieConfig, ErnieForMaskedLM),
    "ngram-bert": (NgramBertConfig, NgramBertForMaskedLM),
}
SPECIALS = (PAD, "[unused1]", UNK, CLS, SEP, MASK)
HANZI = "老年糖尿病患者口服二甲双胍治疗高血压观察空腹血糖升下降明显每日三次本组男女例采用研究结果方法不无"
OTHERS = ("##病", "##mg", "hba", "。", ",", "a", "b", "1", "2", "<S>")
TOKENS = (*SPECIALS, *HANZI, *OTHERS)


def write_tiny_masked_lm(folder: Path, architecture: str = "bert", sharpness: float = 25.0, **options) -> Path:
    config_class, model_class = CLASSES[architecture]
    torch.manual_seed(7)
    sizes = {
        "vocab_size": len(TOKENS),
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 128,
    }
    if architecture == "ngram-bert":
        sizes |= {"bigram_buckets": 64, "bigram_width": 8}
    model = model_class(config_class(**(sizes | options))).eval()
    # Random logits are nearly equal: without this all tokens would be as good as each other.
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() > 1:
                parameter *= sharpness if "word_embeddings" in name else 10
    logging.disable_progress_bar()
    model.save_pretrained(folder)
    logging.enable_progress_bar()
    (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in TOKENS), encoding="utf-8")
    return folder
