"""The tables of the benchmark of relation models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from runs import markdown, percent

from suwen.evaluation.relations.analysis import DISTANCES

TITLES = {
    "cooccurrence": "co-occurrence: same sentence, ≤ 60 characters",
    "trees-27": "LightGBM, 27 structural features",
    "cnn": "CNN without competition, without trees",
    "trees": "LightGBM, all structural features",
}


def row(title: str, figures: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a row of the table: the means of some runs."""
    micro = [one["strict_relation"]["micro"] for one in figures]
    cells = [percent(float(np.mean([one[key] for one in micro]))) for key in ("precision", "recall", "f1")]
    spread = f" ± {percent(float(np.std([one['f1'] for one in micro], ddof=1)))}" if len(figures) > 1 else ""
    interval = figures[0]["strict_relation_micro_f1_interval"]
    limits = " – ".join(percent(interval[key]) for key in ("low", "high"))
    by_distance = [one["strict_relation_by_sentence_ends_between"] for one in figures]
    distances = [percent(float(np.mean([one[name]["f1"] for one in by_distance]))) for name in DISTANCES]
    return [title, *cells[:2], f"**{cells[2]}**{spread}", limits if len(figures) == 1 else "–", *distances]


COLUMNS = (
    "system",
    "strict P",
    "strict R",
    "**strict F1**",
    "95 % interval",
    *(f"F1, {name.replace('2+', '≥ 2')} sentence ends between" for name in DISTANCES),
)


def tables(found: Mapping[str, Any]) -> str:
    """Return all tables, as they stand on the page."""
    scores = found["systems"]
    former = [figures for name, figures in scores.items() if name.startswith("former-")]
    models = [figures for name, figures in scores.items() if name.startswith("model-")]
    rows = [row(title, [scores[name]]) for name, title in TITLES.items() if name in scores]
    if former:
        rows.append(row(f"former model: network and trees, mean of {len(former)} seeds", former))
    if models:
        rows += [row("model, seed 0", models[:1]), row(f"**model, mean of {len(models)} seeds**", models)]
    differences = [
        [f"model (seed 0) − {TITLES[name]}", percent(one["f1_difference"]), limits(one), f"{p_value(one):.4f}"]
        for name, one in found["comparisons"].items()
    ]
    parts = [
        markdown(COLUMNS, rows),
        "## Paired by document",
        markdown(("difference", "strict F1", "95 % interval", "p"), differences),
        "## By type (strict F1)",
        by_type(scores, models),
        "## The annotation against itself (F1)",
        agreement_table(found["agreement"]),
    ]
    if found["predicted_entities"]:
        parts += ["## Between predicted entities (seed 0)", predicted_table(found["predicted_entities"])]
    if found["ablations"]:
        parts += ["## Ablations (seed 0, dev part)", ablation_table(found["ablations"])]
    if found["speed"]:
        parts += ["## Speed of the bundled model", speed_table(found["speed"])]
    return "\n\n".join(parts)


def limits(comparison: Mapping[str, Any]) -> str:
    interval = comparison["f1_difference_interval"]
    return " – ".join(percent(interval[key]) for key in ("low", "high"))


def p_value(comparison: Mapping[str, Any]) -> float:
    return comparison["approximate_randomization"]["p_value"]


def by_type(scores: Mapping[str, Any], models: Sequence[Mapping[str, Any]]) -> str:
    """Strict F1 by relation type, the most frequent first."""
    gold = {name: one["gold"] for name, one in scores["cooccurrence"]["strict_relation"]["by_type"].items()}
    columns = [[scores[name]] for name in TITLES if name in scores]
    columns += [list(models)] if models else []
    rows = []
    for kind in sorted(gold, key=gold.get, reverse=True):
        shares = [
            np.mean([one["strict_relation"]["by_type"].get(kind, {"f1": 0.0})["f1"] for one in runs])
            for runs in columns
        ]
        rows.append([f"`{kind}`", f"{gold[kind]:,}", *(percent(float(share)) for share in shares)])
    titles = [TITLES[name].split(":")[0] for name in TITLES if name in scores]
    return markdown(("type", "gold", *titles, *(["model, mean of seeds"] if models else [])), rows)


def agreement_table(found: Mapping[str, Any]) -> str:
    """F1 of one annotation against the other, with the size of the sample."""
    rows = [
        [
            {"all": "all repeated passages", "twins": "of the two near-copies", "others": "of other documents"}[name],
            *(f"{one[key]:,}" for key in ("passages", "characters")),
            *(
                f"{percent(one[view]['f1'])} ({one[view]['first']:,} / {one[view]['second']:,})"
                for view in ("entities", "relations_of_shared_entities", "relations")
            ),
        ]
        for name, one in found.items()
    ]
    columns = ("annotated twice", "passages", "characters", "entities", "relations of shared entities", "relations")
    return markdown(columns, rows)


def predicted_table(found: Mapping[str, Any]) -> str:
    """Return the scores between predicted entities."""
    relaxed, entities, strict = found["relaxed_relation"], found["strict_entity"], found["strict_relation"]["micro"]
    rows = [
        (name, *(percent(score[key]) for key in ("precision", "recall", "f1")))
        for name, score in (
            ("entities, strict", entities),
            ("relations, strict", strict),
            ("relations, both arguments overlap", relaxed),
            ("co-occurrence between the same entities, strict", found["cooccurrence"]),
        )
    ]
    return markdown(("between predicted entities", "P", "R", "F1"), rows)


def ablation_table(found: Mapping[str, Any]) -> str:
    """Return the scores of models without a part on the dev part."""
    rows = [(name, *(percent(score[key]) for key in ("precision", "recall", "f1"))) for name, score in found.items()]
    return markdown(("model", "strict P", "strict R", "strict F1"), rows)


def speed_table(found: Mapping[str, Any]) -> str:
    """Return the speed of the bundled model."""
    scoring, seconds = found["scoring"], found["extraction"]["user_seconds"]
    rows = [
        (f"pairs, {name}, 2 threads", f"{scoring[key]['pairs_per_second']:,.0f}/s", f"{busy:,.0f}/s and core")
        for name, key in (("scored", "scored"), ("read from text and scored", "from_text"))
        for busy in [scoring[key]["pairs_per_core_second"]]
    ]
    runs = (" / ".join(f"{one:.1f}" for one in seconds[name]) for name in ("entities", "relations"))
    rows.append((f"`suwen extract`, {found['extraction']['characters']:,} characters", f"{next(runs)} s", "user time"))
    added = f"+{percent(found['extraction']['added_share'])} % (medians)"
    rows.append(("`suwen extract --relations`, the same", f"{next(runs)} s", added))
    return markdown((f"speed (load {found['load_average']:.0f} on {found['cores']} cores)", "measured", ""), rows)
