"""The relation network: characters are encoded once, mentions are pooled, and candidate pairs compete."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

__all__ = ["RelationNetwork", "RelationSizes"]

MENTION_DILATIONS = (1, 2, 4)
BOUND = 8.0
"""The largest absolute value of a logit, so that competing scores can be summed without finding their maximum."""


@dataclass(frozen=True, slots=True)
class RelationSizes:
    """The sizes of a relation network."""

    characters: int
    types: int
    relations: int
    features: int
    buckets: int
    embedding: int = 64
    hidden: int = 128
    layers: int = 4
    pair: int = 128
    rounds: int = 2


class Convolutions(nn.Module):
    """Dilated convolutions over one long row, with residual connections; what stands outside is kept at 0."""

    def __init__(self, width: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv1d(width, width, 3, padding=one, dilation=one) for one in dilations)

    def forward(self, hidden: Tensor, inside: Tensor) -> Tensor:
        """Run all layers on ``[N, width]``; ``inside`` is ``[N, 1]``, 0 at separators."""
        rows = (hidden * inside).t()[None]
        mask = inside.t()[None]
        for layer in self.layers:
            rows = rows + nn.functional.relu(layer(rows)) * mask
        return rows[0].t()


class Competition(nn.Module):
    """Score pairs, then refine their vectors by those of the other candidates of the same head and of the same tail."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.score = nn.Linear(width, 1)
        self.norm = nn.LayerNorm(width)
        self.change = nn.Sequential(
            nn.Linear(3 * width + 5, 2 * width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(2 * width, width)
        )

    def forward(self, pairs: Tensor, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        logits = bounded(self.score(self.norm(pairs)))
        parts = [pairs, logits]
        for groups in (rows, columns):
            weights = logits.exp()
            size = pairs.shape[0]
            total = weights.new_zeros(size, 1).index_add(0, groups, weights)
            pooled = pairs.new_zeros(size, pairs.shape[1]).index_add(0, groups, weights * pairs)
            parts += [(pooled / total.clamp(min=1e-6))[groups], weights / total[groups], total[groups].log()]
        return pairs + self.change(torch.cat(parts, 1)), logits[:, 0]


def bounded(logits: Tensor) -> Tensor:
    return BOUND * torch.tanh(logits / BOUND)


class RelationNetwork(nn.Module):
    """Score candidate pairs of mentions."""

    def __init__(self, sizes: RelationSizes, dropout: float = 0.2) -> None:
        super().__init__()
        self.sizes = sizes
        h, p = sizes.hidden, sizes.pair
        self.characters = nn.Embedding(sizes.characters, h)
        self.tags = nn.Embedding(2 * sizes.types + 1, h)
        nn.init.normal_(self.characters.weight, std=0.3)
        nn.init.normal_(self.tags.weight, std=0.3)
        self.encoder = Convolutions(h, (1, 2, 4, 8)[: sizes.layers])
        self.types = nn.Embedding(sizes.types, h)
        self.mention = nn.Linear(6 * h, h)
        self.context = Convolutions(h, MENTION_DILATIONS)
        self.mention_norm = nn.LayerNorm(h)
        self.head = nn.Linear(h, 2 * p)
        self.tail = nn.Linear(h, 2 * p)
        self.between = nn.Linear(h, 2 * p)
        self.head_factor = nn.Linear(h, p)
        self.tail_factor = nn.Linear(h, p)
        self.product = nn.Linear(p, 2 * p)
        self.relations = nn.Embedding(sizes.relations, 2 * p)
        self.structure = nn.EmbeddingBag(sizes.features * sizes.buckets, 2 * p, mode="sum")
        nn.init.normal_(self.structure.weight, std=0.05)
        self.register_buffer("offsets", torch.arange(sizes.features) * sizes.buckets, persistent=False)
        self.pair = nn.Sequential(nn.LayerNorm(2 * p), nn.ReLU(), nn.Dropout(dropout), nn.Linear(2 * p, p))
        self.competitions = nn.ModuleList(Competition(p, dropout) for _ in range(sizes.rounds))
        self.norm = nn.LayerNorm(p)
        self.final = nn.Linear(p, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, characters, tags, inside, starts, ends, types, mention_inside, relations, heads, tails, features, rows, columns):
        hidden = self.encoder(self.characters(characters) + self.tags(tags), inside)
        sums = torch.cat([hidden.new_zeros(1, hidden.shape[1]), hidden.cumsum(0)])

        def mean(begin, end):
            return (sums[end] - sums[begin]) / (end - begin).clamp(min=1)[:, None]

        last = ends - 1
        next_ = torch.cat([starts[1:], ends[-1:]])
        gap = mean(torch.minimum(ends, next_), torch.maximum(ends, next_))
        before = torch.cat([gap[:1] * 0, gap[:-1]])
        pooled = torch.cat([mean(starts, ends), hidden[starts], hidden[last], hidden[starts - 1], hidden[ends], before], 1)
        mentions = self.mention_norm(self.mention(self.dropout(pooled)) + self.types(types))
        mentions = self.context(mentions, mention_inside)
        begin = torch.minimum(ends[heads], ends[tails])
        end = torch.maximum(torch.maximum(starts[heads], starts[tails]), begin)
        mentions = self.dropout(mentions)
        product = self.head_factor(mentions)[heads] * self.tail_factor(mentions)[tails]
        pairs = self.head(mentions)[heads] + self.tail(mentions)[tails] + self.between(mean(begin, end))
        pairs = pairs + self.product(product) + self.relations(relations)
        pairs = pairs + self.structure(features + self.offsets)
        pairs = self.pair(pairs)
        logits = []
        for competition in self.competitions:
            pairs, first = competition(pairs, rows, columns)
            logits.append(first)
        logits.append(bounded(self.final(self.dropout(self.norm(pairs))))[:, 0])
        return torch.stack(logits)
