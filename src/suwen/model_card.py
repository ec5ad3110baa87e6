"""The card of a model folder: entity types, training data, scores, limits and use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from suwen.schema import Schema

__all__ = ["model_card", "relation_card"]


class Settings(Protocol):
    """The settings of a model that a card needs."""

    @property
    def schema(self) -> Schema:
        """The entity types."""


def model_card(settings: Settings, manifest: Mapping[str, Any]) -> str:
    """Write the ``README.md`` of a model folder in the format of the Hugging Face Hub.

    Parameters
    ----------
    settings
        The model's settings.
    manifest
        Of its keys the card shows ``name``, ``license``, ``data`` (by part: documents, characters, entities),
        ``distillation`` (teachers and texts), ``scores`` (by part: precision, recall, f1 in [0, 1]) and ``versions``
        (by package). Each may be missing.
    """
    name = manifest.get("name", "suwen model")
    lines = [
        "---",
        "language: zh",
        f"license: {manifest.get('license', 'other')}",
        "library_name: suwen",
        "pipeline_tag: token-classification",
        "tags: [named-entity-recognition, medical, chinese]",
        "---",
        "",
        f"# {name}",
        "",
        "Finds named entities in Chinese medical literature. 识别中文医学文献中的命名实体。",
        "",
        "## What it finds 实体类型",
        "",
        *_table(("label", "中文", "English"), [(kind.name, kind.zh, kind.en) for kind in settings.schema.entities]),
        *_section(
            "Training data 训练数据",
            _counts(manifest.get("data", {})) + _distillation_lines(manifest.get("distillation")),
        ),
        *_section("Scores 评测结果", _scores(manifest.get("scores", {}), manifest.get("data", {}))),
        "",
        "## Limits 局限",
        "",
        "- It finds what its training data marks, in the same way. On other kinds of text the accuracy is lower.",
        "- Nested and overlapping entities are not supported: at most one of them is found.",
        "- It is not a medical device. 仅供研究，不可用于诊断或治疗。",
        "",
        "## How to use it 使用方法",
        "",
        "```sh",
        "suwen extract notes/ -o entities.jsonl --model MODEL",
        "```",
        "",
        "```python",
        "import suwen",
        "",
        'ner = suwen.load("MODEL")',
        'document = ner("口服二甲双胍0.5g，每日三次")',
        "for entity in document.entities:",
        "    print(entity.label, document.mention(entity), entity.start, entity.end, entity.score)",
        "```",
        *_section(
            "Made with 软件版本", [f"- {name} {version}" for name, version in manifest.get("versions", {}).items()]
        ),
        "",
        "The seed, the resolved configuration and the hashes of all files are in `manifest.json`.",
    ]
    return "\n".join(lines) + "\n"


def relation_card(settings: Settings, manifest: Mapping[str, Any]) -> str:
    """Write the ``README.md`` of a relation model's folder.

    Parameters
    ----------
    settings
        The model's settings.
    manifest
        As in `model_card`; of the data the relations are shown too.
    """
    name = manifest.get("name", "suwen relation model")
    types = [(kind.name, kind.zh, kind.head, kind.tail) for kind in settings.schema.relations]
    scores = manifest.get("scores", {})
    lines = [
        "---",
        "language: zh",
        f"license: {manifest.get('license', 'other')}",
        "library_name: suwen",
        "tags: [relation-extraction, medical, chinese]",
        "---",
        "",
        f"# {name}",
        "",
        "Finds relations between the named entities of Chinese medical literature. 抽取中文医学文献中实体之间的关系。",
        "",
        "## What it finds 关系类型",
        "",
        *_table(("relation", "中文", "head", "tail"), types),
        *_section("Training data 训练数据", _counts(manifest.get("data", {}), ("entities", "relations"))),
        *_section(
            "Scores 评测结果", _scores(scores, manifest.get("data", {}), "type, head and tail, with gold entities")
        ),
        *_section("Confidence 置信度", _reliability(manifest.get("reliability"))),
        "",
        "## Limits 局限",
        "",
        "- It finds the relations that its training data marks, in the same way. On other texts the accuracy is lower.",
        "- It needs entities, given or found before. A missed entity has no relations.",
        "- Entities that are far apart are not related: `reach` in `suwen.json` is the limit in characters.",
        "- It is not a medical device. 仅供研究，不可用于诊断或治疗。",
        "",
        "## How to use it 使用方法",
        "",
        "```sh",
        "suwen extract notes/ -o relations.jsonl --relations --relation-model MODEL",
        "suwen relate annotated/ -o relations.jsonl --relation-model MODEL",
        "```",
        *_section(
            "Made with 软件版本", [f"- {name} {version}" for name, version in manifest.get("versions", {}).items()]
        ),
        "",
        "The seed, the resolved configuration and the hashes of all files are in `manifest.json`.",
    ]
    return "\n".join(lines) + "\n"


def _reliability(values: Mapping[str, Any] | None) -> list[str]:
    """Return the expected calibration error and the bins it was computed from."""
    if values is None:
        return []
    rows = [(f"{one['confidence']:.2f}", f"{one['precision']:.2f}", f"{one['mentions']:,}") for one in values["bins"]]
    return [
        f"Expected calibration error {values['expected_calibration_error']:.3f}, measured on: {values['part']}.",
        "",
        *_table(("mean confidence", "share right", "relations"), rows),
    ]


def _section(heading: str, body: Sequence[str]) -> list[str]:
    return ["", f"## {heading}", "", *body] if body else []


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [_row(heads), _row(["---"] * len(heads)), *map(_row, rows)]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _counts(data: Mapping[str, Any], annotations: Sequence[str] = ("entities",)) -> list[str]:
    """Return how much there is in each part; hashes and other values are in the manifest."""
    counts = ("documents", "characters", *annotations)
    rows = [
        (part, *(f"{values[count]:,}" for count in counts))
        for part, values in data.items()
        if isinstance(values, Mapping)
        and values.get("documents")
        and all(isinstance(values.get(count), int) for count in counts)
    ]
    if not rows:
        return []
    table = _table(("part", *counts), rows)
    return [*table, "", "There was no dev part."] if _has_no_dev(data) else table


def _has_no_dev(data: Mapping[str, Any]) -> bool:
    """Return whether the manifest has a dev part without documents."""
    dev = data.get("dev")
    return isinstance(dev, Mapping) and dev.get("documents") == 0


def _scores(scores: Mapping[str, Any], data: Mapping[str, Any], matched: str = "type and both boundaries") -> list[str]:
    """Return precision, recall and F1 of each part, in percent; or why there are none, if that is known."""
    measures = ("precision", "recall", "f1")
    rows = [
        (part, *(f"{100 * values[measure]:.2f}" for measure in measures))
        for part, values in scores.items()
        if isinstance(values, Mapping) and all(measure in values for measure in measures)
    ]
    if not rows:
        reason = (
            "None: there was no dev part. `suwen evaluate MODEL CORPUS` scores it on texts outside the training data."
        )
        return [reason] if _has_no_dev(data) else []
    return [
        f"Strict match of {matched}, micro-averaged, percent.",
        "",
        *_table(("part", *measures), rows),
    ]


def _distillation_lines(distillation: Mapping[str, Any] | None) -> list[str]:
    """Return the lines on distillation."""
    if distillation is None:
        return []
    texts = distillation["texts"]
    teachers = len(distillation["teachers"])
    others = f"{teachers} other models" if teachers > 1 else "another model"
    sentence = f"It also learned the predictions of {others} on this text"
    more = f" and on {texts['characters']:,} characters of unlabeled text" if texts["characters"] else ""
    return ["", f"{sentence}{more}."]
