"""Features of the second stage against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from relation_documents import DOCUMENT, related_documents

from suwen.document import Document
from suwen.inference.relations.candidates import candidate_pairs, read_mentions
from suwen.inference.relations.rivals import GRID, LEVELS, MIDDLE, PROBABILITIES, STEPS, rival_features
from suwen.schema import LCDD


@given(related_documents(), st.randoms(use_true_random=False))
def test_relation_rivals_are_those_of_brute_force(document: Document, random: object) -> None:
    mentions = read_mentions(document, LCDD)
    candidates = candidate_pairs(mentions, LCDD, 200)
    scores = np.array([random.randint(-20 * GRID, 20 * GRID) / GRID for _ in range(len(candidates))], np.float32)  # type: ignore[attr-defined]
    found = rival_features(mentions, candidates, scores)
    pairs = list(zip(candidates.relations.tolist(), candidates.heads.tolist(), candidates.tails.tolist(), strict=True))
    levels = [min(max(round(float(score) * STEPS) + MIDDLE, 1), LEVELS) for score in scores]
    texts = mentions.surfaces.tolist()

    def numbers(kind: int) -> list[int]:
        return [index for index in range(len(mentions)) if mentions.types[index] == kind]

    for place, (relation, head, tail) in enumerate(pairs):
        row = {name: int(values[place]) for name, values in found.items()}
        assert row["score"] == levels[place]
        for name, end in (("head", 1), ("tail", 2)):
            group = [i for i, pair in enumerate(pairs) if (pair[0], pair[end]) == (relation, pairs[place][end])]
            rivals = [i for i in group if i != place]
            best = max((levels[i] for i in rivals), default=0)
            assert row[f"best rival for the {name}"] == best
            assert row[f"lead over the best rival for the {name}"] == LEVELS + 1 + levels[place] - best
            higher = sum(scores[i] > scores[place] for i in rivals)
            assert higher <= row[f"rank by score for the {name}"] <= sum(scores[i] >= scores[place] for i in rivals)
            assert row[f"expected rivals for the {name}"] == 12 * sum(PROBABILITIES[levels[i]] for i in rivals) // 255
            before = [i for i in rivals if pairs[i][3 - end] < pairs[place][3 - end]]
            after = [i for i in rivals if pairs[i][3 - end] > pairs[place][3 - end]]
            assert row[f"score of the rival before for the {name}"] == (levels[before[-1]] if before else 0)
            assert row[f"score of the rival after for the {name}"] == (levels[after[0]] if after else 0)
            own = texts[pairs[place][3 - end]]
            for key, same in (("the same text", True), ("another text", False)):
                chosen = [levels[i] for i in rivals if (texts[pairs[i][3 - end]] == own) is same]
                assert row[f"best rival of {key} for the {name}"] == max(chosen, default=0)
        kinds = [(pair[0], texts[pair[1]], texts[pair[2]]) for pair in pairs]
        elsewhere = [i for i in range(len(pairs)) if kinds[i] == kinds[place] and i != place]
        assert row["best of the same texts"] == max((levels[i] for i in elsewhere), default=0)
        probabilities = sum(PROBABILITIES[levels[i]] for i in elsewhere)
        assert row["expected of the same texts"] == 12 * probabilities // 255
        assert row["mean of the same texts"] == probabilities // max(len(elsewhere), 1)
        for name, end in (("head", 1), ("tail", 2)):
            alike = [i for i, kind in enumerate(kinds) if (kind[0], kind[end]) == (relation, kinds[place][end])]
            total = sum(PROBABILITIES[levels[i]] for i in alike)
            assert row[f"share of the {name}'s text"] == 255 * (probabilities + PROBABILITIES[levels[place]]) // max(
                total, 1
            )
        heads, tails = numbers(int(mentions.types[head])), numbers(int(mentions.types[tail]))
        for name, (first, second) in {"both later": (1, 1), "both earlier": (-1, -1), "later head": (1, -1)}.items():
            moved = heads.index(head) + first, tails.index(tail) + second
            expected = 0
            if 0 <= moved[0] < len(heads) and 0 <= moved[1] < len(tails):
                wanted = relation, heads[moved[0]], tails[moved[1]]
                expected = levels[pairs.index(wanted)] if wanted in pairs else 0
            assert row[f"score with {name}"] == expected


@pytest.mark.parametrize("entities", [(), DOCUMENT.entities[:1]])
def test_relation_rivals_of_nothing_are_none(entities: tuple[object, ...]) -> None:
    mentions = read_mentions(Document("d", DOCUMENT.text, entities), LCDD)  # type: ignore[arg-type]
    found = rival_features(mentions, candidate_pairs(mentions, LCDD, 200), np.zeros(0, np.float32))
    assert all(len(values) == 0 for values in found.values())
    assert len(found) == 26
