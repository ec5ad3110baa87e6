"""The relation network: characters are encoded once, mentions are pooled, and candidate pairs compete."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from suwen.inference.relations.features import BUCKETS
from suwen.inference.relations.inputs import DILATIONS, MENTION_DILATIONS

__all__ = ["FeatureSum", "RelationNetwork", "RelationSizes"]

BOUND = 8.0
"""The largest absolute value of a logit, so that competing scores can be summed without finding their maximum."""

ROUND_WEIGHT = 0.3
"""Weight of the scores of a round in the loss; the final scores have 1."""

KERNEL = 3
EMBEDDING_DEVIATION = 0.3
FEATURE_DEVIATION = 0.05


@dataclass(frozen=True, slots=True)
class RelationSizes:
    """The sizes of a relation network.

    Parameters
    ----------
    characters, types, relations, features
        How many characters, entity types, relation types and structural features there are; without structural
        features 0.
    hidden
        The width of character and mention vectors.
    pair
        The width of pair vectors.
    rounds
        How often pairs are compared with the other candidates of their head and tail.
    """

    characters: int
    types: int
    relations: int
    features: int
    hidden: int = 96
    pair: int = 128
    rounds: int = 2


class RelationNetwork(nn.Module):
    """Score candidate pairs of mentions.

    Parameters
    ----------
    sizes
        The sizes.
    dropout
        Dropout probability of mention and pair vectors.
    feature_dropout
        The share of the structural features that a pair does not see while training.
    """

    def __init__(self, sizes: RelationSizes, dropout: float = 0.0, feature_dropout: float = 0.0) -> None:
        super().__init__()
        self.sizes = sizes
        hidden, pair = sizes.hidden, sizes.pair
        self.characters = nn.Embedding(sizes.characters, hidden)
        self.tags = nn.Embedding(2 * sizes.types + 1, hidden)
        for embedding in (self.characters, self.tags):
            nn.init.normal_(embedding.weight, std=EMBEDDING_DEVIATION)
        self.encoder = Convolutions(hidden, DILATIONS)
        self.types = nn.Embedding(sizes.types, hidden)
        self.mention = nn.Linear(6 * hidden, hidden)
        self.mention_norm = nn.LayerNorm(hidden)
        self.context = Convolutions(hidden, MENTION_DILATIONS)
        self.dropout = nn.Dropout(dropout)
        self.head, self.tail, self.between = (nn.Linear(hidden, 2 * pair) for _ in range(3))
        self.head_factor, self.tail_factor = (nn.Linear(hidden, pair) for _ in range(2))
        self.product = nn.Linear(pair, 2 * pair)
        self.relations = nn.Embedding(sizes.relations, 2 * pair)
        self.features = FeatureSum(sizes.features, pair, feature_dropout) if sizes.features else None
        self.structure = nn.Sequential(nn.LayerNorm(pair), nn.ReLU(), nn.Linear(pair, 2 * pair))
        self.pair = nn.Sequential(nn.LayerNorm(2 * pair), nn.ReLU(), nn.Dropout(dropout), nn.Linear(2 * pair, pair))
        self.rounds = nn.ModuleList(Competition(pair, dropout) for _ in range(sizes.rounds))
        self.score = nn.Sequential(nn.LayerNorm(pair), nn.Dropout(dropout), nn.Linear(pair, 1))

    @property
    def options(self) -> dict[str, Any]:
        """The arguments that build this network again, for use."""
        return asdict(self.sizes)

    def forward(self, targets: Tensor, **inputs: Tensor) -> dict[str, Tensor]:
        """Compute the loss of a batch: the cross-entropy with the targets ``[P]``, and less of it for the rounds."""
        logits = self.logits(**inputs)
        losses = nn.functional.binary_cross_entropy_with_logits(logits, targets.expand_as(logits), reduction="none")
        return {"loss": losses[-1].mean() + ROUND_WEIGHT * losses[:-1].mean(dim=1).sum()}

    def logits(
        self,
        characters: Tensor,
        tags: Tensor,
        inside: Tensor,
        starts: Tensor,
        ends: Tensor,
        types: Tensor,
        mention_inside: Tensor,
        relations: Tensor,
        heads: Tensor,
        tails: Tensor,
        features: Tensor,
        rows: Tensor,
        columns: Tensor,
    ) -> Tensor:
        """Score the pairs of `suwen.inference.relations.inputs.network_arrays`.

        Returns
        -------
        The logits of each round and the final ones, fp32 ``[rounds + 1, P]``.
        """
        hidden = self.encoder(self.characters(characters) + self.tags(tags), inside)
        means = _Means(hidden)
        mentions = self._mentions(hidden, means, starts, ends, types, mention_inside)
        begins = torch.minimum(ends[heads], ends[tails])
        stops = torch.maximum(torch.maximum(starts[heads], starts[tails]), begins)
        product = _rows(self.head_factor(mentions), heads) * _rows(self.tail_factor(mentions), tails)
        pairs = _rows(self.head(mentions), heads) + _rows(self.tail(mentions), tails)
        pairs = pairs + self.between(means(begins, stops))
        pairs = pairs + self.product(product) + self.relations(relations)
        if self.features is not None:
            pairs = pairs + self.structure(self.features(features))
        pairs = self.pair(pairs)
        logits = []
        for competition in self.rounds:
            pairs, scores = competition(pairs, rows, columns)
            logits.append(scores)
        logits.append(_bounded(self.score(pairs)))
        return torch.cat(logits, dim=1).t()

    def _mentions(
        self, hidden: Tensor, means: _Means, starts: Tensor, ends: Tensor, types: Tensor, inside: Tensor
    ) -> Tensor:
        """Pool each mention, what is on either side and what is before it; then read its neighbors."""
        before = torch.cat([ends[:1], ends[:-1]])
        gaps = means(torch.minimum(before, starts), torch.maximum(before, starts))
        sides = [_rows(hidden, places) for places in (starts, ends - 1, starts - 1, ends)]
        pooled = self.dropout(torch.cat([means(starts, ends), *sides, gaps], dim=1))
        mentions = self.mention_norm(self.mention(pooled) + self.types(types))
        read: Tensor = self.dropout(self.context(mentions, inside))
        return read


class Convolutions(nn.Module):
    """Dilated convolutions over one long row, with residual connections; what is outside is kept at 0."""

    def __init__(self, width: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv1d(width, width, KERNEL, padding=one, dilation=one) for one in dilations)

    def forward(self, hidden: Tensor, inside: Tensor) -> Tensor:
        """Run all layers on ``[N, width]``; ``inside`` is ``[N, 1]``, 0 at separators."""
        mask = inside.t()[None]
        row = hidden.t()[None] * mask
        for layer in self.layers:
            row = row + nn.functional.relu(layer(row)) * mask
        return row[0].t()


class FeatureSum(nn.Module):
    """Sum a learned vector for each structural feature and interval."""

    def __init__(self, features: int, width: int, dropout: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(features * BUCKETS, width) * FEATURE_DEVIATION)
        self.dropout = dropout

    def forward(self, features: Tensor) -> Tensor:
        """Sum over int64 ``[P, F]`` to ``[P, width]``."""
        places = features + torch.arange(features.shape[1], device=features.device) * BUCKETS
        kept = None
        if self.training and self.dropout:
            kept = (torch.rand(places.shape, device=places.device) >= self.dropout).float()
        return nn.functional.embedding_bag(places, self.weight, mode="sum", per_sample_weights=kept)


class Competition(nn.Module):
    """Score pairs, then refine their vectors by those of the other candidates of the same head and the same tail."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.score = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 1))
        self.change = nn.Sequential(
            nn.Linear(3 * width + 5, 2 * width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(2 * width, width)
        )

    def forward(self, pairs: Tensor, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        """Refine ``[P, width]``; returns the new vectors and the scores before, ``[P, 1]``."""
        logits = _bounded(self.score(pairs))
        weights = logits.exp()
        parts = [pairs, logits]
        for groups in (rows, columns):
            totals = torch.zeros_like(weights).index_add(0, groups, weights).index_select(0, groups)
            pooled = torch.zeros_like(pairs).index_add(0, groups, weights * pairs).index_select(0, groups) / totals
            parts += [pooled, weights / totals, totals.log()]
        return pairs + self.change(torch.cat(parts, dim=1)), logits


class _Means:
    """Mean vectors of stretches of a row, by running sums in double precision: a mean must not depend on the row."""

    def __init__(self, hidden: Tensor) -> None:
        nothing = hidden.new_zeros(1, hidden.shape[1], dtype=torch.float64)
        self.sums = torch.cat([nothing, hidden.double().cumsum(0)])

    def __call__(self, begins: Tensor, ends: Tensor) -> Tensor:
        """Average over ``[begin, end)``; 0 where that is empty."""
        lengths = (ends - begins).clamp(min=1)[:, None]
        return ((_rows(self.sums, ends) - _rows(self.sums, begins)) / lengths).float()


def _rows(table: Tensor, places: Tensor) -> Tensor:
    # Indexing with brackets becomes a slower operator in ONNX.
    return table.index_select(0, places)


def _bounded(logits: Tensor) -> Tensor:
    return BOUND * torch.tanh(logits / BOUND)
