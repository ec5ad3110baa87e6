"""A check of an encoder: its predictions for masked characters of a few sentences."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from suwen.tagging.vocabulary import CLS, MASK, SEP, CharacterVocabulary

__all__ = ["SENTENCES", "fill_in"]

SENTENCES = (
    ("患者空腹血{糖}升高，诊断为2型糖尿病。", 3),
    ("口服二甲双{胍}0.5g，每日三次，餐后服用。", 3),
    ("长期高血{压}可引起左心室肥厚和肾功能损害。", 3),
    ("注射胰岛{素}后应注意观察有无低血糖反应。", 3),
    ("糖尿病视网{膜}病变是成人失明的主要原因之一。", 3),
    ("治疗后{两}组患者的体重均较治疗前明显下降。", 3),
)
"""Sentences written for this project, with the hidden character in braces, and how many guesses to show."""


def fill_in(model: PreTrainedModel, vocabulary: CharacterVocabulary, device: str = "cpu") -> list[dict[str, Any]]:
    """Guess the hidden characters.

    Returns
    -------
    list[dict[str, Any]]
        For each sentence its text with the hidden character as ``□``, that character, the best guesses with their
        probabilities, and the rank of the right one (1: best; None where the vocabulary does not know it).
    """
    rows = []
    model.eval()
    for marked, count in SENTENCES:
        before, _, rest = marked.partition("{")
        hidden, _, after = rest.partition("}")
        ids = vocabulary.ids(before + hidden + after).astype("int64")
        position = len(before) + 1
        inputs = torch.tensor([[vocabulary.id(CLS), *ids, vocabulary.id(SEP)]], device=device)
        inputs[0, position] = vocabulary.id(MASK)
        right = int(vocabulary.ids(hidden)[0])
        probabilities = _probabilities(model, inputs, position)
        best = probabilities.topk(count)
        rows.append(
            {
                "sentence": f"{before}□{after}",
                "hidden": hidden,
                "guesses": [
                    [vocabulary.tokens[i], round(p, 4)]
                    for i, p in zip(best.indices.tolist(), best.values.tolist(), strict=True)
                ],
                "rank": None if right == vocabulary.unk else 1 + int((probabilities > probabilities[right]).sum()),
            }
        )
    return rows


def _probabilities(model: PreTrainedModel, ids: Tensor, position: int) -> Tensor:
    with torch.inference_mode():
        hidden = model.bert(input_ids=ids).last_hidden_state[0, position]
        scores: Tensor = model.cls.predictions(hidden[None])[0]
        return scores.float().softmax(0).cpu()
