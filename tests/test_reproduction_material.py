"""The data of the runs: chosen documents, splits, the split by entity."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.corpus.splitting import group_of, make_split
from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.files import sha256
from suwen.reproduction.figures import counts_by_part, largest_deviation
from suwen.reproduction.material import Material, assign_entities, check_documents, entity_split, write_material
from suwen.reproduction.preparation import altered_file
from suwen.reproduction.profile import load_profile
from suwen.schema import LCDD


def document(name: str, variant: int = 0) -> Document:
    """A document with every type, a sentence each."""
    text, entities = "", []
    for number, label in enumerate(LCDD.labels):
        words = f"{'甲乙丙丁戊己庚辛'[variant % 8]}{'子丑寅卯辰巳午未'[variant // 8 % 8]}{label}{number}"
        entities.append(Entity(label, len(text) + 3, len(text) + 3 + len(words)))
        text += f"第{variant % 10}例{words}。"
    return Document(name, text, tuple(entities))


@pytest.fixture
def documents() -> list[Document]:
    return [document(f"{issue}_{article}", 4 * issue + article) for issue in range(6) for article in range(4)]


def test_reproduction_material_wants_every_type(tmp_path: Path) -> None:
    whole = document("1_1")
    without = Document("1_1", whole.text, whole.entities[:-2])
    with pytest.raises(SuwenError, match=r"S313 .*Anatomy, Level"):
        check_documents([without], tmp_path)
    with pytest.raises(SuwenError, match="S304"):
        check_documents([whole, document("1_2")], tmp_path)


def test_reproduction_material_wants_enough_groups(tmp_path: Path) -> None:
    few = [document(f"1_{number}", number) for number in range(5)]
    with pytest.raises(SuwenError, match=r"S304 .*group"):
        write_material(tmp_path / "out", few, load_profile("smoke"), tmp_path)
    assert not (tmp_path / "out").exists()


def test_reproduction_material_takes_a_fraction_of_each_part(tmp_path: Path, documents: list[Document]) -> None:
    whole = make_split(documents, "group")
    write_material(tmp_path, documents, load_profile("smoke", ["fraction=0.5"]), tmp_path)
    material = Material(tmp_path)
    assert len(material.documents) < len(documents)
    group = material.split("group")
    by_id = {document.id: document for document in material.documents}
    for part, rows in group.parts.items():
        names = {name for name, _, _ in rows}
        original = {name for name, _, _ in whole.parts[part]}
        assert names <= original
        assert len(names) == max(1, round(0.5 * len(original)))
        assert group.units[part] == len({group_of(by_id[name]) for name in names})
    for unit in ("sentence", "document", "group", "entity"):
        for part in ("train", "dev", "test"):
            assert material.split(unit).select(material.documents, part)
    # An encoder may read all train documents, chosen or not, and no other.
    texts = {path.stem for path in material.text.iterdir()}
    assert texts == {name for name, _, _ in whole.parts["train"]}


@pytest.mark.parametrize(("share", "least"), [("1.0", 1.0), ("0.75", 0.75), ("0.1", 0.5)])
def test_reproduction_material_judges_on_more_documents(
    tmp_path: Path, documents: list[Document], share: str, least: float
) -> None:
    whole = make_split(documents, "group")
    profile = load_profile("smoke", ["fraction=0.5", f"test_fraction={share}"])
    write_material(tmp_path, documents, profile, tmp_path)
    material = Material(tmp_path)
    for part in ("train", "dev", "test"):
        original = {name for name, _, _ in whole.parts[part]}
        found = material.split("group").select(material.documents_of("group"), part)
        assert {one.document.id for one in found} <= original
        assert len(found) == max(1, round((least if part == "test" else 0.5) * len(original)))
    assert len(material.documents) == sum(
        max(1, round(0.5 * len({name for name, _, _ in rows}))) for rows in whole.parts.values()
    )
    for unit in ("sentence", "document", "entity"):
        assert material.documents_of(unit) == material.documents
        assert material.split(unit).select(material.documents, "test")


def test_reproduction_material_is_the_same_again(tmp_path: Path, documents: list[Document]) -> None:
    profile = load_profile("smoke", ["fraction=0.6"])
    for name, given_documents in (("a", documents), ("b", documents[::-1])):
        write_material(tmp_path / name, given_documents, profile, tmp_path)
    first, second = Material(tmp_path / "a"), Material(tmp_path / "b")
    for unit in ("sentence", "document", "group", "entity"):
        assert first.split(unit).hash == second.split(unit).hash
    assert {one.id for one in first.documents} == {one.id for one in second.documents}


@given(st.integers(0, 99), st.integers(3, 40))
def test_reproduction_material_deals_entities_as_table_2_has_them(seed: int, count: int) -> None:
    documents = [document(f"{number}", number) for number in range(count)]
    assigned = assign_entities(documents, seed)
    places = [place for part in assigned.values() for place in part]
    assert len(places) == len(set(places)) == sum(len(one.entities) for one in documents)
    for label in LCDD.labels:
        sizes = [sum(documents[i].entities[j].label == label for i, j in part) for part in assigned.values()]
        assert all(abs(size - share * count) <= 1 for size, share in zip(sizes, (0.6, 0.2, 0.2), strict=True))


def test_reproduction_material_puts_sentences_on_several_sides(tmp_path: Path) -> None:
    text = "甲病与乙病。丙病。"
    starts = (0, 3, 6)
    crowded = [
        Document(f"{number}", text, tuple(Entity("Disease", start, start + 2) for start in starts))
        for number in range(30)
    ]
    split = entity_split(crowded, 0)
    assert 0 < split.leakage["sentences_in_train"]["test"] < 1
    for part, places in assign_entities(crowded, 0).items():
        selections = {one.document.id: one for one in split.select(crowded, part)}
        for i, j in places:
            assert selections[crowded[i].id].owns(crowded[i].entities[j].start)
        # What is beside an assigned entity in its sentence is there too.
        assert sum(len(one.gold) for one in selections.values()) >= len(places)


def test_reproduction_material_counts_parts(tmp_path: Path, documents: list[Document]) -> None:
    write_material(tmp_path, documents, load_profile("mini"), tmp_path)
    material = Material(tmp_path)
    totals = Counter(entity.label for one in documents for entity in one.entities)
    for unit in ("sentence", "group", "entity"):
        counts = counts_by_part(material, unit)
        assert {label: sum(row) for label, row in counts.items()} == totals
    assert largest_deviation(counts_by_part(material, "entity"))[0] < 3


def test_reproduction_material_stays_in_its_folder(tmp_path: Path, documents: list[Document]) -> None:
    climbing = [replace(document, id=f"../../{document.id}") for document in documents]
    write_material(tmp_path / "a" / "b", climbing, load_profile("smoke"), tmp_path)
    assert [place.name for place in tmp_path.iterdir()] == ["a"]
    assert [place.name for place in (tmp_path / "a").iterdir()] == ["b"]


@pytest.mark.parametrize("manifest", ["[]", "{}", "{", '{"files": {"vocab.txt": "0"}}', '{"files": {"gone": "0"}}'])
def test_reproduction_preparation_notices_an_altered_encoder(tmp_path: Path, manifest: str) -> None:
    (tmp_path / "vocab.txt").write_text("糖", encoding="utf-8")
    (tmp_path / "manifest.json").write_text(f'{{"files": {{"vocab.txt": "{sha256(tmp_path / "vocab.txt")}"}}}}')
    assert altered_file(tmp_path) is None
    (tmp_path / "manifest.json").write_text(manifest, encoding="utf-8")
    assert altered_file(tmp_path) is not None
