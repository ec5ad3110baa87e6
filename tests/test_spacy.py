from __future__ import annotations

import dataclasses
import pickle
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from itertools import chain
from pathlib import Path

import pytest

spacy = pytest.importorskip("spacy")

from spacy.tokens import Doc  # noqa: E402
from tiny_tagger import write_tiny_tagger  # noqa: E402

import suwen  # noqa: E402
from suwen.bundled import SAMPLE  # noqa: E402
from suwen.corpus.split import Selection  # noqa: E402
from suwen.document import Document, Entity  # noqa: E402
from suwen.errors import SuwenError  # noqa: E402
from suwen.inference.predictor import Extractor  # noqa: E402
from suwen.inference.relations.cooccurrence import CooccurrenceExtractor  # noqa: E402
from suwen.inference.relations.relating import RelatingExtractor  # noqa: E402
from suwen.loading import load  # noqa: E402
from suwen.schema import Schema  # noqa: E402
from suwen.spacy import SuwenComponent, make_component  # noqa: E402

TEXT = "口服二甲双\n胍0.5 g,DM患者。"
FOUND = (
    Entity("Drug", 2, 7, ((2, 5), (6, 7)), "T1", 0.75),
    Entity("Amount", 7, 12, (), "T2", 0.5),
    Entity("Disease", 13, 14, (), "T3", 0.25),
)


class Fixed(Extractor):
    @property
    def schema(self) -> Schema:
        return Schema.of_labels(["Drug"])

    def predict_groups(self, groups: Iterable[Iterable[Selection]]) -> Iterator[Document]:
        for selection in list(chain.from_iterable(groups)):
            document = selection.document
            yield dataclasses.replace(document, entities=FOUND if document.text == TEXT else ())


def words(nlp: object, *tokens: str) -> Doc:
    return Doc(nlp.vocab, list(tokens), [False] * len(tokens))


def test_spacy_component_gives_exact_spans_of_characters() -> None:
    doc = SuwenComponent(Fixed())(spacy.blank("zh")(TEXT))
    assert doc.text == TEXT
    assert [(span.label_, span.start_char, span.end_char) for span in doc.ents] == [entity.key for entity in FOUND]
    assert [span._.suwen for span in doc.ents] == list(FOUND)
    assert doc._.suwen.entities == FOUND
    assert doc._.suwen_misaligned == {}
    assert doc[0:1]._.suwen is None


def test_spacy_component_lists_relations() -> None:
    relating = RelatingExtractor(Fixed(), CooccurrenceExtractor())
    doc = SuwenComponent(pickle.loads(pickle.dumps(relating)))(spacy.blank("zh")(TEXT))
    drug, amount, disease = FOUND
    assert doc._.suwen_relations == [("Drug_Disease", drug, disease, None), ("Amount_Drug", amount, drug, None)]
    assert spacy.blank("zh")(TEXT)._.suwen_relations == []
    nlp = spacy.blank("zh")
    nlp.add_pipe("suwen", config={"relations": "cooccurrence"})
    assert nlp("口服二甲双胍0.5g")._.suwen_relations
    assert spacy.blank("zh").add_pipe("suwen").extractor.schema.name == load().schema.name


@pytest.mark.parametrize(
    ("mode", "spans", "counts"),
    [
        ("strict", ["二甲双\n胍", "0.5 g"], {"left out": 1}),
        ("contract", ["二甲双\n胍", "0.5 g"], {"left out": 1}),
        ("expand", ["二甲双\n胍", "0.5 g", "DM"], {"moved": 1}),
    ],
)
def test_spacy_component_reports_conflicts(mode: str, spans: list[str], counts: dict[str, int]) -> None:
    nlp = spacy.blank("zh")
    doc = words(nlp, "口服", "二甲双\n胍", "0.5", " ", "g", ",", "DM", "患者", "。")
    with pytest.warns(UserWarning, match="do not begin and end with tokens"):
        doc = SuwenComponent(Fixed(), mode)(doc)
    assert [span.text for span in doc.ents] == spans
    assert doc._.suwen_misaligned == counts
    assert doc._.suwen.entities == FOUND


def test_spacy_component_counts_entities_that_share_a_token() -> None:
    with pytest.warns(UserWarning, match="do not begin and end with tokens"):
        doc = SuwenComponent(Fixed())(words(spacy.blank("zh"), "口服", "二甲双\n胍0.5 g", ",DM患者。"))
    assert [(span.text, span.label_) for span in doc.ents] == [("二甲双\n胍0.5 g", "Drug"), (",DM患者。", "Disease")]
    assert doc._.suwen_misaligned == {"moved": 2, "overlapping": 1}
    assert doc.ents[0]._.suwen == FOUND[0]


@pytest.mark.parametrize(
    ("mode", "spans", "counts"),
    [
        ("strict", [], {"left out": 3}),
        ("contract", ["\n", "g"], {"moved": 2, "left out": 1}),
        ("expand", ["口服二甲双\n胍0.5", "DM患者"], {"moved": 2, "overlapping": 1}),
    ],
)
def test_spacy_component_counts_all_that_a_tokenizer_of_english_has_no_span_for(
    mode: str, spans: list[str], counts: dict[str, int]
) -> None:
    with pytest.warns(UserWarning, match=r"spacy\.blank\('zh'\)"):
        doc = SuwenComponent(Fixed(), mode)(spacy.blank("en")(TEXT))
    assert doc._.suwen_misaligned == counts
    assert [span.text for span in doc.ents] == spans
    assert doc._.suwen.entities == FOUND


@pytest.mark.parametrize("overwrite", [True, False])
def test_spacy_component_meets_entities_of_others(overwrite: bool) -> None:
    doc = spacy.blank("zh")(TEXT)
    doc.ents = [doc.char_span(0, 4, label="OTHER"), doc.char_span(15, 17, label="PERSON")]
    doc = SuwenComponent(Fixed(), overwrite=overwrite)(doc)
    labels = [span.label_ for span in doc.ents]
    assert labels == (
        ["Drug", "Amount", "Disease", "PERSON"] if overwrite else ["OTHER", "Amount", "Disease", "PERSON"]
    )
    assert doc.ents[-1]._.suwen is None


def test_spacy_component_is_added_by_name_and_streams(tmp_path: Path) -> None:
    write_tiny_tagger(tmp_path / "model")
    nlp = spacy.blank("zh")
    nlp.add_pipe("suwen", config={"model": str(tmp_path / "model"), "alignment_mode": "strict"})
    texts = ["口服二甲双胍治疗。" * 3, "", "DM患者"]
    expected = [load(tmp_path / "model")(text).entities for text in texts]
    docs = list(nlp.pipe(texts, batch_size=2))
    assert [doc.text for doc in docs] == texts
    assert [doc._.suwen.entities for doc in docs] == expected
    restored = Doc(nlp.vocab).from_bytes(docs[0].to_bytes())
    assert restored._.suwen.entities == expected[0]
    assert [span._.suwen.key for span in restored.ents] == [span._.suwen.key for span in docs[0].ents]

    nlp.to_disk(tmp_path / "pipeline")
    assert spacy.load(tmp_path / "pipeline")(texts[0])._.suwen.entities == expected[0]


def test_spacy_component_is_found_without_an_import() -> None:
    (found,) = entry_points(group="spacy_factories", name="suwen")
    assert found.load() is make_component


def test_spacy_component_refuses_what_it_cannot_do() -> None:
    with pytest.raises(SuwenError, match="S404 unknown alignment_mode 'loose'"):
        SuwenComponent(Fixed(), "loose")
    with pytest.raises(SuwenError, match="S101"):
        spacy.blank("zh").add_pipe("suwen", config={"model": "nowhere"})


@pytest.mark.parametrize("kind", ["tagger", "feature-crf"])
def test_spacy_component_works_in_spawned_processes(tmp_path: Path, kind: str) -> None:
    model = None
    if kind == "feature-crf":
        pytest.importorskip("pycrfsuite")
        model = str(suwen.train(SAMPLE, tmp_path / "model", encoder=kind, settings=["iterations=2"]).model)
    script = tmp_path / "script.py"
    script.write_text(
        f"""
import multiprocessing, pickle, spacy
if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    nlp = spacy.blank("zh")
    nlp.add_pipe("suwen", config={{"model": {model!r}}})
    texts = ["口服二甲双胍0.5g，每日三次", "诊断为2型糖尿病"]
    alone = [[str(span) for span in doc.ents] for doc in nlp.pipe(texts)]
    assert [[str(span) for span in doc.ents] for doc in nlp.pipe(texts, n_process=2)] == alone
    assert [str(span) for span in pickle.loads(pickle.dumps(nlp))(texts[0]).ents] == alone[0]
""",
        encoding="utf-8",
    )
    subprocess.run([sys.executable, str(script)], check=True)
