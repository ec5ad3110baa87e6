"""The controls (mentions, words by tag, synonyms, several in turn), and what holds for all methods."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from augmented_documents import document, documents
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_masked_lm import write_tiny_masked_lm

from suwen.augmentation import augment, generation, replay
from suwen.augmentation.config import load_augmentation_config
from suwen.augmentation.masked_lm import MaskedLanguageModel
from suwen.augmentation.mentions import Pool
from suwen.augmentation.synonyms import read_neighbors, read_synonyms
from suwen.augmentation.targets import variants_of
from suwen.corpus.split import Selection, whole
from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.inference.dictionary import Dictionary, DictionaryExtractor, Entry
from suwen.inference.sentence_extractor import SentenceSettings
from suwen.schema import Schema
from suwen.text.view import ViewRules


def pairs(text: str) -> list[str]:
    return [text[start : start + 2] for start in range(0, len(text), 2)]


@pytest.fixture(scope="module", autouse=True)
def _words_of_two_characters():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generation, "segmenter_named", lambda name: pairs)
        patch.setattr(generation, "require_packages", lambda *packages: None)
        yield


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return MaskedLanguageModel.from_folder(write_tiny_masked_lm(tmp_path_factory.mktemp("models") / "bert"))


@pytest.fixture(scope="module")
def lexicon(tmp_path_factory):
    path = tmp_path_factory.mktemp("lexicon") / "synonyms.txt"
    path.write_text(
        "# 注释\n患者\t病人 病患者\nAa01A01= 观察,看\nAa01A02# 治疗 结果\n升高，上升、增高\n治疗 诊治 医治\n", "utf-8"
    )
    return path


def small(name: str, text: str, *mentions: tuple[str, str]) -> Document:
    entities = tuple(Entity(label, text.index(m), text.index(m) + len(m)) for m, label in mentions)
    return Document(name, text, entities)


def corpus(drawn: list[Document]) -> list[Document]:
    return [replace(source, id=f"{number}_{source.id}") for number, source in enumerate(drawn)]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(documents(), min_size=1, max_size=4).map(corpus),
    st.sampled_from(["mention", "token", "synonym", "composition"]),
    st.integers(0, 9),
)
def test_controls_keep_types_and_replay_and_do_not_depend_on_order(model, lexicon, data, method, seed) -> None:
    values = {"synonym.lexicon": [str(lexicon)], "near_copies": 0, "steps": ["synonym", "mention", "mlm"]}
    values["sampling.least_probability"] = 0.0

    def run(sources):
        try:
            return augment(sources, method, encoder=model, seed=seed, rate=0.6, settings=values)
        except SuwenError as error:
            if error.code != "S309":
                raise
            return None

    made = run(data)
    if made is None:
        return
    assert not made.failures
    assert replay(made.recipes, data) == made.documents
    for source, generated in zip(data, made.documents, strict=True):
        assert [entity.label for entity in generated.entities] == [entity.label for entity in source.entities]
        assert all(entity.start < entity.end for entity in generated.entities)
        assert generated.relations == source.relations
    again = run(data[::-1])
    assert sorted(again.recipes, key=lambda recipe: recipe.id) == sorted(made.recipes, key=lambda recipe: recipe.id)


def test_mentions_are_replaced_by_others_of_their_type() -> None:
    data = [
        small("a", "老年糖尿病患者口服二甲双胍治疗", ("糖尿病", "Disease"), ("二甲双胍", "Drug")),
        small("b", "高血压患者口服阿卡波糖", ("高血压", "Disease"), ("阿卡波糖", "Drug")),
    ]
    made = augment(data, "mention", rate=1)
    assert [one.text for one in made.documents] == ["老年高血压患者口服阿卡波糖治疗", "糖尿病患者口服二甲双胍"]
    assert [[one.mention(entity) for entity in one.entities] for one in made.documents] == [
        ["高血压", "阿卡波糖"],
        ["糖尿病", "二甲双胍"],
    ]
    # What another part of the corpus has is not known.
    selections = [Selection(data[0], ((0, len(data[0].text)),)), Selection(data[1], ((0, 5),))]
    made = augment(selections, "mention", rate=1)
    assert made.documents[0].text == "老年高血压患者口服二甲双胍治疗"
    assert made.counts["mention: without a choice"] == 1


def test_mentions_over_a_line_break_stay_before_it() -> None:
    data = [document(), small("b", "口服格列美脲", ("格列美脲", "Drug"))]
    made = augment(data, "mention", rate=1, settings={"near_copies": 0})
    generated = made.documents[0]
    drugs = [generated.mention(entity) for entity in generated.entities if entity.label == "Drug"]
    assert set(drugs) <= {"二甲双胍", "阿卡波糖", "格列美脲"}
    assert "二甲\n双胍" not in generated.text
    assert generated.text.count("\n") == document().text.count("\n")
    # Nested mentions are left alone: one cannot be replaced without the other.
    assert [generated.mention(entity) for entity in generated.entities if entity.label == "Test"][:2] == [
        "空腹血糖",
        "血糖",
    ]


def test_pool_draws_by_occurrence_or_distinct() -> None:
    counts = Counter({"甲": 8, "乙": 1, "丙": 1})
    for distinct, share in ((False, 0.8), (True, 1 / 3)):
        drawn = Counter(Pool(counts, distinct).draw("丁", number / 1000) for number in range(1000))
        assert drawn["甲"] == pytest.approx(1000 * share, abs=2)
    assert {Pool(counts).draw("甲", number / 100) for number in range(100)} == {"乙", "丙"}
    assert Pool(Counter("甲")).draw("甲", 0.5) is None
    assert Pool(Counter()).draw("甲", 0.5) is None


def test_tokens_keep_their_tag() -> None:
    data = [
        small("a", "患者口服二甲双胍治疗", ("二甲双胍", "Drug")),
        small("b", "老年口服阿卡波糖治疗", ("阿卡波糖", "Drug")),
    ]
    pools = {"B": {"二甲", "阿卡"}, "I": {"双胍", "波糖"}, "O": {"患者", "口服", "治疗", "老年"}}
    for seed in range(5):
        for source, recipe in zip(data, augment(data, "token", rate=1, seed=seed).recipes, strict=True):
            (entity,) = source.entities
            tags = {entity.start: "B", entity.start + 2: "I"}
            assert {edit.start for edit in recipe.edits} > tags.keys()
            for edit in recipe.edits:
                assert edit.new in pools[tags.get(edit.start, "O")] - {edit.old}


def test_synonyms_come_from_the_lexicon(lexicon) -> None:
    known = read_synonyms([lexicon])
    assert known["患者"] == {"病人", "病患者"}
    assert known["观察"] == {"看"}
    assert known["升高"] == {"上升", "增高"}
    assert known["治疗"] == {"诊治", "医治"}
    data = [small("a", "患者观察糖尿病,治疗患者", ("治疗", "Treatment"))]
    made = augment(data, "synonym", rate=1, settings={"synonym.lexicon": [str(lexicon)]})
    words = {(edit.old, edit.new) for recipe in made.recipes for edit in recipe.edits}
    assert words <= {("患者", "病人"), ("患者", "病患者"), ("观察", "看")}
    assert made.documents[0].mention(made.documents[0].entities[0]) == "治疗"
    empty = lexicon.with_name("empty.txt")
    empty.write_text("# 空\n患者\n", "utf-8")
    with pytest.raises(SuwenError, match=r"S106 .*empty.txt"):
        read_synonyms([empty])


@pytest.mark.parametrize(
    ("mentions", "replaced"), [("any", {"患者", "住院"}), ("document", {"住院"}), ("training", set())]
)
def test_synonyms_form_no_mention_without_annotation(tmp_path, mentions, replaced) -> None:
    path = tmp_path / "synonyms.txt"
    path.write_text("患者 糖尿病\n住院 高血压\n观察 没有\n", "utf-8")
    data = [
        small("a", "患者住院观察糖尿病。", ("糖尿病", "Disease")),
        small("b", "诊断高血压。", ("高血压", "Disease")),
    ]
    made = augment(data, "synonym", rate=1, settings={"synonym.lexicon": [str(path)], "check.mentions": mentions})
    assert {edit.old for recipe in made.recipes for edit in recipe.edits} == replaced
    assert made.counts["synonym: rejected"] == 3 - len(replaced)


@pytest.fixture
def vectors(tmp_path):
    rows = {"患者": (2, 0), "病人": (4, 1), "病患": (3, 3), "没有": (0, 0), "观察": (-1, 5), "HbA1c": (1, 0)}
    path = tmp_path / "vectors.txt"
    lines = [f"{len(rows)} 2", *(f"{word} {x} {y}" for word, (x, y) in rows.items()), ""]
    path.write_text("\n".join(lines), "utf-8")
    return path


def test_neighbors_are_near_words_of_hanzi_the_nearest_first(vectors) -> None:
    assert read_neighbors(vectors, 10, 0.7) == {
        "患者": {"病人", "病患"},
        "病人": {"患者", "病患"},
        "病患": {"患者", "病人"},
    }
    assert read_neighbors(vectors, 1, 0.7) == {"患者": {"病人"}, "病人": {"患者"}, "病患": {"病人"}}
    with pytest.raises(SuwenError, match=r"S402 .*synonym\.similarity.*vectors\.txt"):
        read_neighbors(vectors, 10, 0.999)


def test_synonyms_come_from_word_vectors_and_lexicon(vectors, lexicon) -> None:
    data = [small("a", "患者观察糖尿病,治疗患者", ("治疗", "Treatment"))]
    made = augment(data, "synonym", rate=1, settings={"synonym.vectors": str(vectors)})
    assert {edit.old for recipe in made.recipes for edit in recipe.edits} == {"患者"}
    assert {edit.new for recipe in made.recipes for edit in recipe.edits} <= {"病人", "病患"}
    settings = {"synonym.vectors": str(vectors), "synonym.lexicon": [str(lexicon)]}
    both = augment(data, "synonym", rate=1, settings=settings)
    assert {edit.old for recipe in both.recipes for edit in recipe.edits} == {"患者", "观察"}


def test_composition_leaves_alone_what_an_earlier_step_changed(model, lexicon) -> None:
    values = {"steps": ["synonym", "mention", "mlm"], "synonym.lexicon": [str(lexicon)], "near_copies": 0}
    data = [
        small("a", "患者口服格列美脲", ("格列美脲", "Drug")),
        small("b", "老年口服阿卡波糖观察", ("阿卡波糖", "Drug")),
    ]
    made = augment(data, "composition", encoder=model, rate=1, settings=values | {"sampling.least_probability": 0})
    for recipe in made.recipes:
        assert {edit.method for edit in recipe.edits} == {"synonym", "mention", "mlm"}
        assert recipe.id.endswith(".composition-1")
    assert replay(made.recipes, data) == made.documents


def test_check_undoes_edits_after_which_a_tagger_finds_other_entities(model, monkeypatch) -> None:
    entries = {word: Entry("Change", 1, 1) for word in ("下降", "年糖")}
    tagger = DictionaryExtractor(SentenceSettings(Schema.of_labels(["Change"]), ViewRules()), Dictionary(entries))
    monkeypatch.setattr(generation, "load", lambda folder, device: tagger)
    values = {"check.model": "tagger", "near_copies": 0, "sampling.least_probability": 0}
    made = augment([document()], "mlm", encoder=model, rate=1, settings=values)
    assert 0 < made.counts["undone by the tagger"] < made.counts["mlm: replaced"]
    (recipe,) = made.recipes
    (generated,) = made.documents
    assert [generated.text.count(word) for word in entries] == [document().text.count(word) for word in entries]
    assert recipe.edits


def test_near_copies_are_removed(model) -> None:
    made = augment([document()], "mlm", encoder=model, copies=3, settings={"near_copies": 0.01})
    assert made.documents == made.recipes == []
    assert made.near_copies == [f"138_5.mlm-{copy}" for copy in (1, 2, 3)]
    same = {"sampling.top_k": 1, "bans.same_word": False, "sampling.least_probability": 0, "near_copies": 1.0}
    made = augment([small("a", "患者")], "mlm", encoder=model, copies=3, settings=same)
    assert [one.id for one in made.documents] == ["a.mlm-1"]
    assert made.near_copies == ["a.mlm-2", "a.mlm-3"]


def test_copies_of_a_document_differ(model) -> None:
    made = augment([document()], "mlm", encoder=model, copies=3, rate=0.5, settings={"sampling.least_probability": 0})
    assert len({one.text for one in made.documents}) == 3
    assert [one.id for one in made.documents] == ["138_5.mlm-1", "138_5.mlm-2", "138_5.mlm-3"]


def test_failures_are_named_and_kept_as_they_were(model, monkeypatch) -> None:
    def fails_at_odd_text(text: str) -> list[str]:
        if "怪" in text:
            raise IndexError("list index\nout of range")
        return pairs(text)

    monkeypatch.setattr(generation, "segmenter_named", lambda name: fails_at_odd_text)
    data = [document(), small("odd", "老年怪患者", ("老年", "Age"))]
    made = augment(data, "mlm", encoder=model, settings={"sampling.least_probability": 0})
    assert made.failures == {"odd.mlm-1": "IndexError: list index out of range"}
    assert [(one.text, one.entities) for one in made.documents][1] == (data[1].text, data[1].entities)
    assert made.documents[0].text != data[0].text
    assert replay(made.recipes, data) == made.documents
    with pytest.raises(SuwenError, match=r"S312 .*IndexError"):
        augment(data[1:], "mlm", encoder=model)


@pytest.mark.parametrize("method", ["mlm", "mention", "token"])
def test_augmentation_reports_when_there_is_nothing_to_replace(model, method) -> None:
    with pytest.raises(SuwenError, match=f"S309 the method '{method}' finds nothing to replace"):
        augment([Document("a", "。 ,")], method, encoder=model)


def test_selections_give_only_what_they_own(model) -> None:
    source = document()
    start = source.text.index("结果")
    selection = Selection(source, ((start, len(source.text)),))
    made = augment([selection], "mlm", encoder=model, rate=1, settings={"sampling.least_probability": 0})
    (generated,) = made.documents
    assert "二甲" not in generated.text
    assert [generated.mention(entity) for entity in generated.entities] == ["HbA1c level", "阿卡波糖", "5mg"]
    assert replay(made.recipes, [source]) == made.documents
    assert len(generated.text) == len(source.text) - start


def targets(data, **values):
    config = load_augmentation_config(options={"method": "mention", **values})
    return [(one.document.id, one.copy, one.spans) for one in variants_of(whole(data), config)]


def test_target_of_documents_is_met_whatever_their_order() -> None:
    data = [small(name, "患者") for name in "abc"]
    made = targets(data, **{"target.documents": 7})
    assert len(made) == 7
    assert {name for name, _, _ in made} == set("abc")
    assert sorted(targets(data[::-1], **{"target.documents": 7})) == sorted(made)
    assert len(targets(data, **{"target.documents": 2})) == 2


def test_target_of_mentions_copies_the_sentences_of_rare_labels() -> None:
    data = [
        small("a", "口服二甲双胍。糖尿病。头痛。", ("二甲双胍", "Drug"), ("糖尿病", "Disease"), ("头痛", "Symptom")),
        small("b", "糖尿病。", ("糖尿病", "Disease")),
        small("c", "糖尿病。", ("糖尿病", "Disease")),
    ]
    made = targets(data, **{"target.mentions": 6})
    assert [(name, copy) for name, copy, spans in made if spans is None] == [("a", 1), ("b", 1), ("c", 1)]
    rare = [(name, copy, spans) for name, copy, spans in made if spans is not None]
    assert rare == [("a", copy, ((0, 7), (11, 14))) for copy in range(2, 6)]
    assert len(targets(data, **{"target.mentions": 6, "target.most_copies": 2})) == 5
    generated = augment(data, "mention", rate=1, settings={"target.mentions": 6, "near_copies": 0}).documents
    counts = Counter(entity.label for one in [*data, *generated] for entity in one.entities)
    assert counts == {"Drug": 6, "Symptom": 6, "Disease": 6}


def test_config_reports_conflicts(tmp_path) -> None:
    for options, expected in (
        ({"method": "synonym"}, "S402 .*synonym.lexicon"),
        ({"steps": ["mlm", "mlm"]}, "S402 .*steps"),
        ({"target.copies": 2, "target.documents": 9}, "S402 .*target"),
        ({"sampling.top_q": 2}, "S401 .*sampling.top_p"),
        ({"sampling.top_p": 0}, "S402 .*sampling.top_p"),
        ({"preset": "worst"}, "S404 .*best"),
        ({"words": 3}, "S402 .*words"),
    ):
        with pytest.raises(SuwenError, match=expected):
            load_augmentation_config(options=options)
    file = tmp_path / "a.toml"
    file.write_text('preset = "paper"\nmethod = "composition"\n[words]\nrate = 0.2\n', "utf-8")
    config = load_augmentation_config("best", file, {"rate": 0.4}, ["sampling.top_k=3"])
    assert (config.preset, config.words.rate, config.mention.rate, config.sampling.top_k) == ("paper", 0.4, 0.4, 3)
    file.write_text("[words\n", "utf-8")
    with pytest.raises(SuwenError, match=r"S403 .*a.toml"):
        load_augmentation_config("best", file)


def test_docs_explain_every_key_with_its_values() -> None:
    page = (Path(__file__).parent.parent / "docs" / "augmentation.md").read_text(encoding="utf-8")
    paper, best = (flat(load_augmentation_config(preset).model_dump(mode="json")) for preset in ("paper", "best"))
    for key in paper:
        values = "" if key == "preset" else f"`{toml(paper[key])}` | `{toml(best[key])}`"
        assert f"| `{key}` | {values}" in page


def flat(values: dict, prefix: str = "") -> dict:
    return {
        name: value
        for key, item in values.items()
        for name, value in (flat(item, f"{prefix}{key}.") if isinstance(item, dict) else {prefix + key: item}).items()
    }


def toml(value: object) -> str:
    return json.dumps("" if value is None else value)
