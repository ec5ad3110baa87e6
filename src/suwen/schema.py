"""Label sets: entity and relation types with Chinese and English names and colors.

The 15 entity types and 10 relation types of LCDD are built in; others are read from TOML or taken from a corpus.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from suwen.errors import SuwenError
from suwen.files import StrPath, parse_toml, read_text

__all__ = ["LCDD", "EntityType", "RelationType", "Schema"]

# Colors for types that name none: light enough for black text. The first ones differ most: most label sets are small.
PALETTE = (
    "#f4a6a6", "#9cc9f0", "#f6e58d", "#c8aaf2", "#9adbb0", "#f7c59f", "#8fd8d2", "#efacd9",
    "#c7e59a", "#a9b4f5", "#d9c3a5", "#b8c4ce", "#e0b0b0", "#a8d08d", "#ffd966",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class EntityType:
    """An entity type; `group` is a heading for tables and legends, `color` a CSS color for black text on it."""

    name: str
    zh: str
    en: str
    color: str
    group: str = ""

    @property
    def title(self) -> str:
        """Return both names, or the only one."""
        return self.zh if self.zh == self.en else f"{self.zh} {self.en}"


@dataclass(frozen=True, slots=True)
class RelationType:
    """A relation type and the entity types that it joins."""

    name: str
    zh: str
    head: str
    tail: str


@dataclass(frozen=True)
class Schema:
    """An ordered set of entity types and relation types."""

    name: str
    entities: tuple[EntityType, ...]
    relations: tuple[RelationType, ...] = ()
    groups: tuple[tuple[str, str, str], ...] = ()
    """Headings as ``(group, Chinese, English)``."""

    def __repr__(self) -> str:
        return f"<Schema {self.name}, {self.sizes}>"

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The entity type names, in order."""
        return tuple(kind.name for kind in self.entities)

    @property
    def sizes(self) -> str:
        """The numbers of types, in words."""
        relations = f", relation types: {len(self.relations)}" if self.relations else ""
        return f"entity types: {len(self.entities)}{relations}"

    @cached_property
    def _by_name(self) -> dict[str, EntityType]:
        return {kind.name: kind for kind in self.entities}

    def __contains__(self, label: object) -> bool:
        return label in self._by_name

    def __getitem__(self, label: str) -> EntityType:
        """Return the entity type of that name.

        Raises
        ------
        SuwenError
            S202 when there is none.
        """
        try:
            return self._by_name[label]
        except KeyError:
            raise SuwenError("S202", label=label, known=", ".join(self.labels)) from None

    @classmethod
    def of_labels(cls, labels: Iterable[str], name: str = "corpus") -> Schema:
        """Return a schema for the labels of a corpus: LCDD's types where the names agree, plain ones otherwise.

        The order is LCDD's first, then alphabetical, so that it does not depend on the order of files.
        """
        wanted = set(labels)
        known = [kind for kind in LCDD.entities if kind.name in wanted]
        others = sorted(wanted - set(LCDD.labels))
        plain = [EntityType(name, name, name, PALETTE[i % len(PALETTE)]) for i, name in enumerate(others)]
        present = {kind.name for kind in known} | set(others)
        relations = tuple(kind for kind in LCDD.relations if {kind.head, kind.tail} <= present)
        groups = tuple(group for group in LCDD.groups if group[0] in {kind.group for kind in known})
        return cls("lcdd" if present == set(LCDD.labels) else name, (*known, *plain), relations, groups)

    def with_relations_of(self, triples: Iterable[tuple[str, str, str]]) -> Schema:
        """Add the relation types of a corpus that the schema does not have.

        Parameters
        ----------
        triples
            Type, head type and tail type of each relation. A new type joins the types that it joins most often.
        """
        known = {kind.name for kind in self.relations}
        joined: defaultdict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
        for label, head, tail in triples:
            if label not in known:
                joined[label][head, tail] += 1
        added = []
        for label in sorted(joined):
            (head, tail), _ = min(joined[label].items(), key=lambda item: (-item[1], item[0]))
            added.append(RelationType(label, label, head, tail))
        return replace(self, relations=(*self.relations, *added))

    def to_dict(self) -> dict[str, Any]:
        """Return the schema as JSON values; `from_dict` reads it back."""
        return {
            "name": self.name,
            "groups": [{"name": name, "zh": zh, "en": en} for name, zh, en in self.groups],
            "entities": [
                {"name": kind.name, "zh": kind.zh, "en": kind.en, "color": kind.color, "group": kind.group}
                for kind in self.entities
            ],
            "relations": [
                {"name": kind.name, "zh": kind.zh, "head": kind.head, "tail": kind.tail} for kind in self.relations
            ],
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any], path: Path | None = None) -> Schema:
        """Build a schema from the values that a TOML or JSON file holds.

        Raises
        ------
        SuwenError
            S407 when a type has no name, a name occurs twice, or a key is unknown.
        """
        entities = []
        for index, row in enumerate(_rows(values, "entities", {"name", "zh", "en", "color", "group"}, path)):
            color = row.get("color", PALETTE[index % len(PALETTE)])
            name = row["name"]
            entities.append(EntityType(name, row.get("zh", name), row.get("en", name), color, row.get("group", "")))
        relations = [
            RelationType(row["name"], row.get("zh", row["name"]), row.get("head", ""), row.get("tail", ""))
            for row in _rows(values, "relations", {"name", "zh", "head", "tail"}, path)
        ]
        groups = [
            (row["name"], row.get("zh", row["name"]), row.get("en", row["name"]))
            for row in _rows(values, "groups", {"name", "zh", "en"}, path)
        ]
        if not entities:
            raise SuwenError("S407", path, reason="it names no entity type ([[entities]] with a name)")
        return cls(str(values.get("name", "custom")), tuple(entities), tuple(relations), tuple(groups))

    @classmethod
    def from_toml(cls, path: StrPath) -> Schema:
        """Read a schema: ``name``, and tables ``[[entities]]``, ``[[relations]]``, ``[[groups]]``.

        Raises
        ------
        SuwenError
            As `read_text`; S403 when it is not TOML, S407 when it is not a schema.
        """
        path = Path(path)
        return cls.from_dict(parse_toml(read_text(path), path), path)


def _rows(values: dict[str, Any], table: str, keys: set[str], path: Path | None) -> list[dict[str, str]]:
    rows = values.get(table, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SuwenError("S407", path, reason=f"'{table}' is not a list of tables")
    for row in rows:
        if not isinstance(row.get("name"), str) or not row["name"]:
            raise SuwenError("S407", path, reason=f"a table in '{table}' has no name")
        for key, value in row.items():
            if key not in keys or not isinstance(value, str):
                raise SuwenError("S407", path, reason=f"'{table}' of {row['name']!r}: bad key or value {key!r}")
    names = [row["name"] for row in rows]
    for name in names:
        if names.count(name) > 1:
            raise SuwenError("S407", path, reason=f"{name!r} occurs twice in '{table}'")
    return rows


LCDD = Schema(
    "lcdd",
    (
        EntityType("Disease", "疾病", "Disease", "#f4a6a6", "disease"),
        EntityType("Reason", "病因", "Reason", "#f7c59f", "disease"),
        EntityType("Symptom", "临床表现", "Symptom", "#f6e58d", "disease"),
        EntityType("Test", "检查方法", "Test", "#9cc9f0", "disease"),
        EntityType("Test_Value", "检查指标值", "Test value", "#8fd8d2", "disease"),
        EntityType("Drug", "药品", "Drug", "#c8aaf2", "therapy"),
        EntityType("Frequency", "用药频率", "Frequency", "#a9b4f5", "therapy"),
        EntityType("Amount", "用药剂量", "Amount", "#b5c7f7", "therapy"),
        EntityType("Method", "用药方法", "Method", "#e3b5f5", "therapy"),
        EntityType("Treatment", "非药物治疗", "Treatment", "#9adbb0", "therapy"),
        EntityType("Operation", "手术", "Operation", "#7fcf9b", "therapy"),
        EntityType("SideEff", "不良反应", "Side effect", "#efacd9", "therapy"),
        EntityType("Duration", "持续时间", "Duration", "#d9c3a5", "common"),
        EntityType("Anatomy", "部位", "Anatomy", "#c7e59a", "common"),
        EntityType("Level", "程度", "Level", "#b8c4ce", "common"),
    ),
    (
        RelationType("Test_Disease", "检查-疾病", "Test", "Disease"),
        RelationType("Symptom_Disease", "临床表现-疾病", "Symptom", "Disease"),
        RelationType("Treatment_Disease", "非药物治疗-疾病", "Treatment", "Disease"),
        RelationType("Drug_Disease", "药品-疾病", "Drug", "Disease"),
        RelationType("Anatomy_Disease", "部位-疾病", "Anatomy", "Disease"),
        RelationType("Frequency_Drug", "用药频率-药品", "Frequency", "Drug"),
        RelationType("Duration_Drug", "持续时间-药品", "Duration", "Drug"),
        RelationType("Amount_Drug", "用药剂量-药品", "Amount", "Drug"),
        RelationType("Method_Drug", "用药方法-药品", "Method", "Drug"),
        RelationType("SideEff-Drug", "不良反应-药品", "SideEff", "Drug"),
    ),
    (
        ("disease", "疾病相关", "Disease related"),
        ("therapy", "治疗相关", "Therapy related"),
        ("common", "通用", "Common entities"),
    ),
)
"""The label set of LCDD (Table 2 of the paper; relations of the corpus' second task)."""
