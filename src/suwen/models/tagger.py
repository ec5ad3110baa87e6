"""The tagger: encoder x transfer x head, one class for all (section 3.2 of the paper)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from suwen.models.crf import CRF
from suwen.models.encoders import RecurrentEncoder, TransformerEncoder
from suwen.models.recurrent import Recurrent
from suwen.schemes import Scheme
from suwen.tagging.lexicon import WORD_IDS

__all__ = ["FEATURES", "HEADS", "HeadName", "Tagger"]

HeadName = Literal["fc", "crf", "lstm-crf", "bilstm-crf"]
HEADS: tuple[HeadName, ...] = get_args(HeadName)
IGNORED = -100
FEATURES = ("bigram_ids", *WORD_IDS)
"""The arrays that a tagger may read beside ``input_ids``."""


class Tagger(nn.Module):
    """An encoder with a head on top.

    Parameters
    ----------
    encoder
        What turns ids into vectors.
    head
        ``fc``: one linear layer and a softmax per position. ``crf``: a linear layer and a CRF. ``lstm-crf`` and
        ``bilstm-crf``: a recurrent layer between encoder and CRF (Table 7).
    tags, scheme
        The tags in the order of their ids, and the scheme that says which may follow which.
    hidden
        Units of the recurrent layer per direction (128 in the paper).
    dropout
        Dropout probability on the encoder's output.
    frozen
        Feature extraction: the encoder does not learn and runs without dropout. Otherwise everything is fine-tuned.
    """

    def __init__(
        self,
        encoder: RecurrentEncoder | TransformerEncoder,
        head: HeadName,
        tags: tuple[str, ...],
        scheme: Scheme,
        hidden: int = 128,
        dropout: float = 0.1,
        frozen: bool = False,
    ) -> None:
        super().__init__()
        self.options: dict[str, Any] = {"head": head, "hidden": hidden, "dropout": dropout}
        self.tags = tags
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        width = encoder.width
        self.recurrent = None
        if head in ("lstm-crf", "bilstm-crf"):
            self.recurrent = Recurrent("lstm", width, hidden, bidirectional=head == "bilstm-crf")
            width = self.recurrent.width
        self.classifier = nn.Linear(width, len(tags))
        nn.init.xavier_uniform_(self.classifier.weight)
        nn.init.zeros_(self.classifier.bias)
        self.crf = None if head == "fc" else CRF(tags, scheme)
        self.frozen = frozen
        self.kept: Callable[..., Tensor] | None = None
        """Answers in the place of a frozen encoder while the head learns (see `suwen.training.features`)."""
        if frozen:
            encoder.requires_grad_(False)

    def train(self, mode: bool = True) -> Tagger:
        """Switch dropout on or off; a frozen encoder stays as it is when used."""
        super().train(mode)
        if self.frozen:
            self.encoder.eval()
        return self

    def emissions(self, input_ids: Tensor, attention_mask: Tensor, **features: Tensor) -> Tensor:
        """Compute the scores of the tags before the CRF, fp32 ``[B, T, K]``, for int64 ids and masks ``[B, T]``."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            hidden = (self.kept or self.encoder)(input_ids=input_ids, attention_mask=attention_mask, **features)
        hidden = self.dropout(hidden)
        if self.recurrent is not None:
            hidden = self.recurrent(hidden, attention_mask.sum(1))
        scores: Tensor = self.classifier(hidden)
        return scores.float()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        core_start: Tensor,
        core_length: Tensor,
        tags: Tensor | None = None,
        unary: Tensor | None = None,
        moves: Tensor | None = None,
        bigram_ids: Tensor | None = None,
        word_begin_ids: Tensor | None = None,
        word_inside_ids: Tensor | None = None,
        word_end_ids: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Compute the loss of a batch of windows: against gold tags, or against a distribution over tag sequences.

        Parameters
        ----------
        input_ids, attention_mask, bigram_ids, word_begin_ids, word_inside_ids, word_end_ids
            The model's arrays, int64 ``[B, T]``.
        core_start, core_length
            Which positions of each window are decided, int64 ``[B]``.
        tags
            Their gold tag ids, int64 ``[B, max(core_length)]``, padded with anything.
        unary, moves
            Instead of tags: the probability of each tag at each of these positions, ``[B, max(core_length), K]``, 0
            where padded, and the expected number of each move from tag to tag, ``[B, K, K]``.

        Returns
        -------
        dict[str, Tensor]
            ``loss``: the negative log-likelihood, or the cross-entropy, per decided character, a scalar.
        """
        given = (bigram_ids, word_begin_ids, word_inside_ids, word_end_ids)
        features = {name: ids for name, ids in zip(FEATURES, given, strict=True) if ids is not None}
        emissions = self.emissions(input_ids, attention_mask, **features)
        targets = tags if unary is None else unary
        assert targets is not None
        steps = torch.arange(targets.shape[1], device=emissions.device)
        inside = steps < core_length[:, None]
        places = torch.where(inside, core_start[:, None] + steps, 0)
        core = emissions.gather(1, places[..., None].expand(-1, -1, emissions.shape[2]))
        if unary is not None and moves is not None:
            total = self._cross_entropy(core, unary, moves, core_length)
        elif self.crf is None:
            total = nn.functional.cross_entropy(
                core.flatten(0, 1),
                targets.masked_fill(~inside, IGNORED).flatten(),
                ignore_index=IGNORED,
                reduction="sum",
            )
        else:
            total = self.crf(core, targets.masked_fill(~inside, 0), core_length).sum()
        return {"loss": total / core_length.sum()}

    def _cross_entropy(self, core: Tensor, unary: Tensor, moves: Tensor, lengths: Tensor) -> Tensor:
        """Sum over a batch; without a CRF positions are independent, and moves do not count."""
        if self.crf is None:
            return -(unary * core.log_softmax(dim=2)).sum()
        return self.crf.cross_entropy(core, unary, moves, lengths).sum()
