"""A CNN that scores each candidate relation for itself: the baseline without trees and without competition.

    python benchmarks/relation_cnn.py CORPUS --split FILE -o cnn.jsonl

Characters are encoded once by dilated convolutions, mentions are pooled and read their neighbors, and each pair is
scored with its structural features. It learns from the train part; calibration and threshold are chosen on the dev part
as those of a model are; the output is the test part with the relations that were found, for
``benchmarks/relations.py --cnn cnn.jsonl``.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from suwen.corpus.split import Selection, Split
from suwen.document import Document
from suwen.formats import read_corpus, write_corpus
from suwen.inference.relations.extractor import ScoredPair, with_entity_ids, with_relations
from suwen.inference.relations.features import BUCKETS, feature_names
from suwen.inference.relations.inputs import RelationEncoder
from suwen.schema import LCDD
from suwen.tagging.vocabulary import CharacterVocabulary
from suwen.training.relations.data import LabeledDocument, label_documents
from suwen.training.relations.decisions import fit_decisions, scored_pairs, strict_relation_scores

REACH = 200
HIDDEN, PAIR = 96, 128
DILATIONS = (1, 2, 4)
READ = sum(DILATIONS) + 1
"""Characters, and mentions, on either side of a mention that its vector depends on."""
RARE = 3
"""Characters with fewer occurrences are all read as one."""
DROPOUT, FEATURE_DROPOUT = 0.2, 0.05
MASKED_MENTIONS, MASKED_CHARACTERS = 0.15, 0.05
EPOCHS, LEAST_STEPS, PART_PAIRS, BATCH_PARTS = 5, 600, 200, 6
RATE, DECAY, WARMUP, AVERAGE, LARGEST_GRADIENT = 2e-3, 0.05, 0.05, 0.995, 1.0

Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Text:
    """A document as numbers: ids of characters, and tags that say where mentions begin and what is inside."""

    labeled: LabeledDocument
    characters: NDArray[np.integer]
    tags: NDArray[np.int64]

    def inputs(self, pairs: Indices) -> dict[str, Tensor]:
        """Return what the network reads of some candidates: the stretch of text that they depend on."""
        mentions, candidates = self.labeled.encoded.mentions, self.labeled.encoded.candidates
        heads, tails = candidates.heads[pairs], candidates.tails[pairs]
        first = max(int(min(heads.min(), tails.min())) - READ, 0)
        last = int(max(heads.max(), tails.max())) + READ + 1
        starts, ends = mentions.starts[first:last], mentions.ends[first:last]
        begin, end = max(int(starts[0]) - READ, 0), int(ends.max()) + READ
        found = {
            "characters": self.characters[begin:end],
            "tags": self.tags[begin:end],
            "starts": starts - begin,
            "ends": ends - begin,
            "types": mentions.types[first:last],
            "relations": candidates.relations[pairs],
            "heads": heads - first,
            "tails": tails - first,
            "features": self.labeled.encoded.features[pairs],
        }
        return {name: torch.from_numpy(values.astype(np.int64)) for name, values in found.items()}


@dataclass(frozen=True)
class Reader:
    """Turns documents into numbers."""

    vocabulary: CharacterVocabulary

    def read(self, document: Document, labeled: LabeledDocument) -> Text:
        """Read a document."""
        mentions = labeled.encoded.mentions
        tags = np.zeros(len(document.text), np.int64)
        for start, end, kind in zip(mentions.starts, mentions.ends, mentions.types, strict=True):
            tags[start:end] = 2 * kind + 2
            tags[start] = 2 * kind + 1
        return Text(labeled, self.vocabulary.ids(document.text), tags)

    def masked(self, inputs: dict[str, Tensor], draw: np.random.Generator) -> dict[str, Tensor]:
        """Hide whole mentions, and single characters, as unknown ones."""
        characters = inputs["characters"].clone()
        hidden = draw.random(len(characters)) < MASKED_CHARACTERS
        chosen = draw.random(len(inputs["starts"])) < MASKED_MENTIONS
        for start, end in zip(inputs["starts"].numpy()[chosen], inputs["ends"].numpy()[chosen], strict=True):
            hidden[start:end] = True
        characters[torch.from_numpy(hidden)] = self.vocabulary.unk
        return {**inputs, "characters": characters}


class PairNetwork(nn.Module):
    """Score candidate pairs of mentions."""

    def __init__(self, characters: int, types: int, relations: int, features: int) -> None:
        super().__init__()
        self.characters = nn.Embedding(characters, HIDDEN)
        self.tags = nn.Embedding(2 * types + 1, HIDDEN)
        for embedding in (self.characters, self.tags):
            nn.init.normal_(embedding.weight, std=0.3)
        self.encoder, self.context = Convolutions(), Convolutions()
        self.types = nn.Embedding(types, HIDDEN)
        self.mention, self.mention_norm = nn.Linear(6 * HIDDEN, HIDDEN), nn.LayerNorm(HIDDEN)
        self.dropout = nn.Dropout(DROPOUT)
        self.head, self.tail, self.between = (nn.Linear(HIDDEN, 2 * PAIR) for _ in range(3))
        self.head_factor, self.tail_factor = (nn.Linear(HIDDEN, PAIR) for _ in range(2))
        self.product = nn.Linear(PAIR, 2 * PAIR)
        self.relations = nn.Embedding(relations, 2 * PAIR)
        self.features = nn.Parameter(torch.randn(features * BUCKETS, PAIR) * 0.05)
        self.structure = nn.Sequential(nn.LayerNorm(PAIR), nn.ReLU(), nn.Linear(PAIR, 2 * PAIR))
        self.pair = nn.Sequential(nn.LayerNorm(2 * PAIR), nn.ReLU(), nn.Dropout(DROPOUT), nn.Linear(2 * PAIR, PAIR))
        self.score = nn.Sequential(nn.LayerNorm(PAIR), nn.Dropout(DROPOUT), nn.Linear(PAIR, 1))

    def forward(
        self, characters: Tensor, tags: Tensor, starts: Tensor, ends: Tensor, types: Tensor,
        relations: Tensor, heads: Tensor, tails: Tensor, features: Tensor,
    ) -> Tensor:  # fmt: skip
        """Return the logits of the pairs, ``[P]``."""
        hidden = self.encoder(self.characters(characters) + self.tags(tags))
        sums = nn.functional.pad(hidden.double().cumsum(0), (0, 0, 1, 0))

        def mean(begins: Tensor, stops: Tensor) -> Tensor:
            return ((sums[stops] - sums[begins]) / (stops - begins).clamp(min=1)[:, None]).float()

        edged = nn.functional.pad(hidden, (0, 0, 1, 1))
        before = torch.cat([ends[:1], ends[:-1]])
        gaps = mean(torch.minimum(before, starts), torch.maximum(before, starts))
        sides = [edged[places + 1] for places in (starts, ends - 1, starts - 1, ends)]
        pooled = self.dropout(torch.cat([mean(starts, ends), *sides, gaps], dim=1))
        mentions = self.dropout(self.context(self.mention_norm(self.mention(pooled) + self.types(types))))
        begins = torch.minimum(ends[heads], ends[tails])
        stops = torch.maximum(torch.maximum(starts[heads], starts[tails]), begins)
        pairs = self.head(mentions)[heads] + self.tail(mentions)[tails] + self.between(mean(begins, stops))
        pairs = pairs + self.product(self.head_factor(mentions)[heads] * self.tail_factor(mentions)[tails])
        pairs = pairs + self.relations(relations) + self.structure(self._structure(features))
        return self.score(self.pair(pairs))[:, 0]

    def _structure(self, features: Tensor) -> Tensor:
        """Sum a learned vector for each structural feature and interval, ``[P, PAIR]``."""
        places = features + torch.arange(features.shape[1]) * BUCKETS
        kept = (torch.rand(places.shape) >= FEATURE_DROPOUT).float() if self.training else None
        return nn.functional.embedding_bag(places, self.features, mode="sum", per_sample_weights=kept)


class Convolutions(nn.Module):
    """Dilated convolutions over a row, with residual connections."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv1d(HIDDEN, HIDDEN, 3, padding=one, dilation=one) for one in DILATIONS)

    def forward(self, hidden: Tensor) -> Tensor:
        """Run all layers on ``[N, HIDDEN]``."""
        row = hidden.t()[None]
        for layer in self.layers:
            row = row + nn.functional.relu(layer(row))
        return row[0].t()


def train(texts: Sequence[Text], reader: Reader, seed: int) -> nn.Module:
    """Train the network, and return the average of its weights."""
    torch.manual_seed(seed)
    draw = np.random.default_rng(seed)
    types, relations = len(LCDD.labels), len(LCDD.relations)
    network = PairNetwork(len(reader.vocabulary), types, relations, len(feature_names(types)))
    parts = [
        (number, pairs)
        for number, owned in enumerate(text.labeled.owned for text in texts)
        if len(owned)
        for pairs in np.array_split(owned, max(1, round(len(owned) / PART_PAIRS)))
    ]
    matrices, others = ([one for one in network.parameters() if (one.ndim > 1) is matrix] for matrix in (True, False))
    groups = [{"params": matrices, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=RATE)
    in_epoch = math.ceil(len(parts) / BATCH_PARTS)
    epochs = max(EPOCHS, math.ceil(LEAST_STEPS / in_epoch))
    steps = epochs * in_epoch

    def rate(step: int) -> float:
        warm = WARMUP * steps
        return step / warm if step < warm else (1 + math.cos(math.pi * (step - warm) / (steps - warm))) / 2

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    average = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(AVERAGE)
    )
    for epoch in range(epochs):
        losses = 0.0
        for batch in np.array_split(draw.permutation(len(parts)), in_epoch):
            chosen = [parts[index] for index in batch]
            count = sum(len(pairs) for _, pairs in chosen)
            for number, pairs in chosen:
                inputs = reader.masked(texts[number].inputs(pairs), draw)
                targets = torch.from_numpy(texts[number].labeled.targets[pairs].astype(np.float32))
                loss = nn.functional.binary_cross_entropy_with_logits(network(**inputs), targets, reduction="sum")
                (loss / count).backward()
                losses += loss.item()
            nn.utils.clip_grad_norm_(network.parameters(), LARGEST_GRADIENT)
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
            average.update_parameters(network)
        print(f"epoch {epoch + 1} of {epochs}: loss {losses / sum(len(pairs) for _, pairs in parts):.4f}", flush=True)
    return average.module.eval()


@torch.inference_mode()
def probabilities(network: nn.Module, text: Text) -> NDArray[np.float64]:
    """Score all candidates of a document, float64 ``[P]``."""
    pairs = np.arange(len(text.labeled.encoded.candidates))
    parts = [part for part in np.array_split(pairs, max(1, round(len(pairs) / PART_PAIRS))) if len(part)]
    found = [network(**text.inputs(part)).sigmoid().double().numpy() for part in parts]
    return np.concatenate([np.zeros(0), *found])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, required=True, help="the file of predictions to write")
    options = parser.parse_args()
    corpus, split = list(read_corpus(options.corpus)), Split.read(options.split)
    encoder = RelationEncoder(LCDD, REACH)

    def part(name: str) -> tuple[list[Document], list[LabeledDocument]]:
        chosen: list[Selection] = split.select(corpus, name)
        return [one.document for one in chosen], label_documents(chosen, encoder)

    documents, labeled = part("train")
    reader = Reader(CharacterVocabulary.from_texts((one.text for one in documents), RARE))
    network = train(list(map(reader.read, documents, labeled)), reader, options.seed)
    documents, labeled = part("dev")
    scores = [probabilities(network, text) for text in map(reader.read, documents, labeled)]
    pairs = scored_pairs(labeled, scores, LCDD)
    decisions = fit_decisions(pairs, LCDD)
    if decisions is None:
        raise SystemExit("the dev part has too few candidates")
    print("dev", strict_relation_scores(pairs, decisions, LCDD).micro.to_dict())
    thresholds = np.array([decisions.thresholds[kind.name] for kind in LCDD.relations])

    def related(document: Document, one: LabeledDocument) -> Document:
        document, mentions, candidates = with_entity_ids(document), one.encoded.mentions, one.encoded.candidates
        confidences = decisions.calibration(probabilities(network, reader.read(document, one)))
        by_key = {entity.key: entity for entity in reversed(document.entities)}
        keys = zip(mentions.types.tolist(), mentions.starts.tolist(), mentions.ends.tolist(), strict=True)
        entities = [by_key[LCDD.labels[kind], start, end] for kind, start, end in keys]
        found: list[ScoredPair] = [
            (
                LCDD.relations[kind].name,
                entities[candidates.heads[i]],
                entities[candidates.tails[i]],
                float(confidences[i]),
            )
            for i, kind in enumerate(candidates.relations)
            if confidences[i] >= thresholds[kind]
        ]
        return with_relations(document, found)

    documents, labeled = part("test")
    write_corpus([related(*one) for one in zip(documents, labeled, strict=True)], options.output, "jsonl")


if __name__ == "__main__":
    main()
