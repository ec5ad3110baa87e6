"""The tagger: encoder x transfer x head, one class for all (section 3.2 of the paper)."""

from __future__ import annotations

from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from suwen.models.crf import CRF
from suwen.models.encoders import RecurrentEncoder, TransformerEncoder
from suwen.models.recurrent import Recurrent
from suwen.schemes import Scheme

__all__ = ["HEADS", "HeadName", "Tagger"]

HeadName = Literal["fc", "crf", "lstm-crf", "bilstm-crf"]
HEADS: tuple[HeadName, ...] = get_args(HeadName)
IGNORED = -100


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
        if frozen:
            encoder.requires_grad_(False)

    def train(self, mode: bool = True) -> Tagger:
        """Switch dropout on or off; a frozen encoder stays as it is when used."""
        super().train(mode)
        if self.frozen:
            self.encoder.eval()
        return self

    def emissions(self, input_ids: Tensor, attention_mask: Tensor, **features: Tensor) -> Tensor:
        """Scores of the tags before the CRF, fp32 ``[B, T, K]``, for int64 ids and masks ``[B, T]``."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask, **features)
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
        tags: Tensor,
        bigram_ids: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Compute the loss of a batch of windows.

        Parameters
        ----------
        input_ids, attention_mask, bigram_ids
            The model's arrays, int64 ``[B, T]``.
        core_start, core_length
            Which positions of each window are decided, int64 ``[B]``.
        tags
            Their gold tag ids, int64 ``[B, max(core_length)]``, padded with anything.

        Returns
        -------
        ``loss``: the negative log-likelihood per decided character, a scalar.
        """
        features = {} if bigram_ids is None else {"bigram_ids": bigram_ids}
        emissions = self.emissions(input_ids, attention_mask, **features)
        steps = torch.arange(tags.shape[1], device=tags.device)
        inside = steps < core_length[:, None]
        places = torch.where(inside, core_start[:, None] + steps, 0)
        core = emissions.gather(1, places[..., None].expand(-1, -1, emissions.shape[2]))
        if self.crf is None:
            total = nn.functional.cross_entropy(
                core.flatten(0, 1),
                tags.masked_fill(~inside, IGNORED).flatten(),
                ignore_index=IGNORED,
                reduction="sum",
            )
        else:
            total = self.crf(core, tags.masked_fill(~inside, 0), core_length).sum()
        return {"loss": total / core_length.sum()}
