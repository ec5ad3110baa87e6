"""Edits: applied, logged, replayed."""

import json
from dataclasses import replace

import pytest
from augmented_documents import TEXT, document, documents
from hypothesis import given, settings
from hypothesis import strategies as st

from suwen.augmentation.edits import META, Edit, Moves, Recipe, derived, excerpt, read_log, replay, write_log
from suwen.corpus.generated import generated_id, original_id
from suwen.corpus.splitting import make_split
from suwen.document import Document, Entity
from suwen.errors import SuwenError


def edit(start: int, old: str, new: str, word: int = 0) -> Edit:
    return Edit(start, start + len(old), old, new, "mlm", word)


def recipe(*edits: Edit, source: str = "138_5", spans=None) -> Recipe:
    return Recipe(f"{source}.mlm-1", source, 1, "mlm", spans, tuple(edits))


@st.composite
def edited(draw):
    """A document and edits of it outside entities, with the pieces between them."""
    source = draw(documents())
    free = [
        place
        for place in range(len(source.text))
        if not any(entity.start <= place < entity.end for entity in source.entities)
    ]
    edits = [
        Edit(place, place + 1, source.text[place], draw(st.text("新旧x", max_size=3)), "mlm", place)
        for place in draw(st.lists(st.sampled_from(free), unique=True).map(sorted) if free else st.just([]))
    ]
    return source, tuple(edits)


@settings(deadline=None)
@given(edited())
def test_edits_change_nothing_else(pair) -> None:
    source, edits = pair
    made = derived(source, recipe(*edits, source=source.id))
    expected, place = "", 0
    for change in edits:
        expected += source.text[place : change.start] + change.new
        place = change.end
    assert made.text == expected + source.text[place:]
    assert [entity.label for entity in made.entities] == [entity.label for entity in source.entities]
    for before, after in zip(source.entities, made.entities, strict=True):
        assert made.mention(after) == source.mention(before)
        assert made.text[after.start : after.end] == source.text[before.start : before.end]
    assert made.relations == source.relations


@settings(deadline=None)
@given(edited())
def test_edits_can_be_logged_and_replayed(tmp_path_factory, pair) -> None:
    source, edits = pair
    made = recipe(*edits, source=source.id)
    log = tmp_path_factory.mktemp("log") / "edits.jsonl"
    write_log([made], log)
    assert read_log(log) == [made]
    assert replay(log, [source]) == [derived(source, made)]


def test_edits_keep_all_that_brat_knows_and_move_pages() -> None:
    source = document()
    start = source.text.index("患者")
    made = derived(source, recipe(edit(start, "患者", "老年病人们")))
    assert made.text == source.text.replace("患者", "老年病人们", 1)
    assert (made.relations, made.attributes, made.notes) == (source.relations, source.attributes, source.notes)
    assert made.group == "138"
    assert [(page.start, page.end) for page in made.pages] == [(0, 43), (43, len(TEXT) + 3)]
    assert made.meta == {"journal": "x", META: {"source": "138_5", "copy": 1, "method": "mlm"}}
    assert made.mention(made.entities[1]) == "二甲双胍"
    assert made.entities[1].fragments == tuple((a + 3, b + 3) for a, b in source.entities[1].fragments)


def test_edits_of_a_whole_mention_move_its_entity() -> None:
    source = replace(document(), entities=(replace(document().entities[1], annotated="二甲 双胍", score=0.5),))
    start = source.text.index("二甲")
    made = derived(source, recipe(edit(start, "二甲", "阿卡波糖片"), edit(start + 3, "双胍", "")))
    (entity,) = made.entities
    assert made.mention(entity) == "阿卡波糖片"
    assert (entity.fragments, entity.annotated, entity.score) == ((), None, None)
    assert made.text[entity.end : entity.end + 3] == "\n治疗"


def test_edits_move_a_boundary_inside_them_as_far_as_they_reach() -> None:
    moves = Moves([edit(2, "甲乙丙", "丁"), edit(7, "戊", "己庚辛")])
    assert [moves(place) for place in range(10)] == [0, 1, 2, 3, 3, 3, 4, 5, 8, 9]


def test_edits_of_another_document_are_refused() -> None:
    source = document()
    with pytest.raises(SuwenError, match=r"S310 .*'138_5' has '尿' at 4, not '高'"):
        derived(source, recipe(edit(4, "高", "低")))
    with pytest.raises(SuwenError, match="S310"):
        derived(source, recipe(edit(1, "老年", "x"), edit(2, "年", "y")))
    with pytest.raises(SuwenError, match=r"S310 .*no such document"):
        replay([recipe()], [])


def test_edits_log_reports_where_it_is_broken(tmp_path) -> None:
    log = tmp_path / "edits.jsonl"
    write_log([recipe(edit(1, "老", "x"))], log)
    lines = log.read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[1])["old"] == "老"
    for broken, code in ((lines[:1], "S205 .*:1"), ([lines[0], "{"], "S204 .*:2"), (["[]"], "S205 .*:1")):
        log.write_text("".join(f"{line}\n" for line in broken), encoding="utf-8")
        with pytest.raises(SuwenError, match=code):
            read_log(log)


def test_excerpt_leaves_out_what_it_does_not_hold() -> None:
    source = document()
    end = source.text.index("空腹")
    part = excerpt(source, [(0, 10), (10, end)])
    assert part.text == source.text[:end]
    assert [entity.id for entity in part.entities] == ["T1", "T2"]
    assert part.relations == source.relations
    assert (part.attributes, part.notes, part.pages) == ((), (), ())
    both = excerpt(source, [(0, 6), (end, end + 6)])
    assert both.text == f"{source.text[:6]}\n\n{source.text[end : end + 6]}"
    assert [both.mention(entity) for entity in both.entities] == ["糖尿病", "空腹血糖", "血糖"]
    assert both.relations == ()
    assert excerpt(source, [(0, 5), (5, len(source.text))]) is source


@settings(deadline=None)
@given(edited(), st.data())
def test_excerpt_keeps_the_mentions_of_whole_sentences(pair, data) -> None:
    source, edits = pair
    place = data.draw(st.integers(0, len(source.text)))
    spans = ((place, len(source.text)),)
    kept = [entity for entity in source.entities if entity.start >= place]
    inside = tuple(change for change in edits if change.start >= place)
    made = derived(source, recipe(*inside, source=source.id, spans=spans))
    assert [made.mention(entity) for entity in made.entities] == [source.mention(entity) for entity in kept]


def test_generated_ids_name_their_original() -> None:
    for name in ("138_5", "a/b.c", "10"):
        assert original_id(generated_id(name, "mention", 12)) == name
    assert original_id("138_5") == "138_5"


@pytest.mark.parametrize("unit", ["sentence", "document", "group"])
def test_generated_documents_are_never_in_dev_or_test(unit) -> None:
    names = ["138_5", "139_1", "a", "b", "7"]
    originals = [Document(name, f"{name}患者口服二甲双胍" * 3, (Entity("Drug", 0, 1),)) for name in names]
    made = [replace(one, id=generated_id(one.id, "mlm", 1), text=one.id * 40) for one in originals]
    split = make_split([*originals, *made], unit, (1.0, 1.0, 1.0))
    train, dev, test = ({name for name, _, _ in rows} for rows in split.parts.values())
    assert dev | test <= set(names)
    followers = train - set(names)
    expected = set() if unit == "sentence" else train & set(names)
    assert {original_id(name) for name in followers} == expected
    assert split.leakage["generated"] == {"train": len(followers), "left_out": len(names) - len(followers)}
    # The originals are split as if they were alone.
    alone = make_split(originals, unit, (1.0, 1.0, 1.0))
    assert [alone.parts[part] for part in ("dev", "test")] == [split.parts[part] for part in ("dev", "test")]
