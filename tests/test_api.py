"""What ``import suwen`` offers."""

from __future__ import annotations

import doctest
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import suwen
from suwen import bundled
from suwen.bundled import SAMPLE
from suwen.cli import app
from suwen.concepts.terminologies import read_terminology
from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.inference.relations.relating import RelatingExtractor
from suwen.loading import load_relations
from suwen.schema import LCDD

FUNCTIONS = [name for name in suwen.__all__ if name[0].islower()]


def test_api_names_stay_functions_whatever_is_imported() -> None:
    code = """
import importlib, inspect, pkgutil, suwen
for module in pkgutil.walk_packages(suwen.__path__, "suwen."):
    if module.name == "suwen.__main__":
        continue
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError as error:
        assert not error.name.startswith("suwen"), error
wrong = [name for name in suwen.__all__ if name[0].islower() and not inspect.isfunction(getattr(suwen, name))]
assert not wrong, wrong
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_api_is_instant() -> None:
    code = (
        "import sys, suwen\n"
        "heavy = {'numpy', 'torch', 'transformers', 'onnxruntime', 'lxml', 'rich', 'typer'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_api_lists_its_functions_and_has_no_others() -> None:
    assert set(FUNCTIONS) <= set(dir(suwen)) == set(suwen.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = suwen.nothing


def test_api_classes_have_examples_that_run() -> None:
    assert doctest.testmod(suwen.document).attempted >= 5
    assert doctest.testmod(suwen.document).failed == 0


@pytest.mark.parametrize("name", FUNCTIONS)
def test_api_documents_each_function_with_an_example(name: str) -> None:
    function = getattr(suwen, name)
    documented = inspect.getdoc(function) or ""
    assert ">>> " in documented
    for parameter in inspect.signature(function).parameters:
        assert parameter in documented


def test_api_splits_trains_evaluates_compares_and_extracts(tmp_path: Path) -> None:
    made = suwen.split(SAMPLE, unit="group")
    report = suwen.train(SAMPLE, tmp_path / "words", encoder="dictionary", split=made)
    assert report.model == tmp_path / "words"
    evaluation = suwen.evaluate(SAMPLE, report.model, split=made)
    assert evaluation.part == "test"
    assert not evaluation.warnings
    assert 0 < evaluation.f1 < 1
    evaluation.write_html(tmp_path / "errors.html")
    assert (tmp_path / "errors.html").is_file()
    again = suwen.evaluate(SAMPLE, predicted=evaluation.predictions, split=made)
    assert (again.f1, again.precision, again.recall) == (evaluation.f1, evaluation.precision, evaluation.recall)
    loaded = suwen.load(report.model)
    assert suwen.evaluate(suwen.read_corpus(SAMPLE), loaded, split=made).f1 == evaluation.f1
    same = suwen.compare(evaluation.predictions, evaluation.predictions, gold=SAMPLE, split=made)
    assert same.result.p_value == 1
    (tmp_path / "a.txt").write_text("口服二甲双胍。", encoding="utf-8")
    result = suwen.extract(tmp_path / "a.txt", tmp_path / "out.jsonl", model=report.model)
    assert result.tally.counts["documents"] == 1


def test_api_warns_of_a_model_that_knows_what_it_is_scored_on(tmp_path: Path) -> None:
    model = suwen.train(SAMPLE, tmp_path / "words", encoder="dictionary").model
    (warning,) = suwen.evaluate(SAMPLE, model).warnings
    assert "trained on this corpus without a split file" in warning
    assert suwen.evaluate(SAMPLE, suwen.load(model)).warnings == ("the model: " + warning.partition(": ")[2],)


def test_api_augments_documents(tmp_path: Path) -> None:
    documents = suwen.read_corpus(SAMPLE)[:5]
    made = suwen.augment(documents, "mention", seed=1).documents
    assert len(made) == 5
    suwen.write_corpus(documents, tmp_path / "a.jsonl")
    assert [one.text for one in suwen.augment(tmp_path / "a.jsonl", "mention", seed=1).documents] == [
        one.text for one in made
    ]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_api_options_are_given_by_name(name: str) -> None:
    parameters = inspect.signature(getattr(suwen, name)).parameters.values()
    optional = [
        one.name for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD and one.default is not one.empty
    ]
    assert len(optional) <= 1
    assert [one.default for one in parameters if one.name == "settings"] in ([], [()])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda frame: suwen.extract(frame, "out.jsonl"), "expected the path of a file or folder, got DataFrame"),
        (lambda frame: suwen.extract([Document("a", "头晕")], "out.jsonl"), "a file or folder, got Document"),
        (lambda frame: suwen.sample(frame, documents=1), "got DataFrame; .*suwen.from_dataframe"),
        (
            lambda frame: suwen.train(frame, "model", encoder="dictionary"),
            "documents or the path of a corpus, got Data",
        ),
        (lambda frame: suwen.train(["头晕"], "model", encoder="dictionary"), "the path of a corpus, got str"),
        (lambda frame: suwen.evaluate(None), "the path of a corpus, got NoneType"),
        (lambda frame: suwen.augment(frame, "mention"), "got DataFrame"),
        (lambda frame: suwen.to_dataframe(frame), "got DataFrame"),
        (lambda frame: suwen.Graph("graph.db").add(frame), "got DataFrame"),
        (lambda frame: suwen.load().pipe(frame), "expected texts or documents, got DataFrame"),
    ],
)
def test_api_says_what_to_do_with_data_frames_and_other_values(tmp_path: Path, monkeypatch, call, message: str) -> None:
    pandas = pytest.importorskip("pandas")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SuwenError, match=f"S132 .*{message}"):
        call(pandas.DataFrame({"主诉": ["头晕"]}))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: suwen.evaluate(SAMPLE, "model", predicted=SAMPLE), "S406"),
        (lambda: suwen.evaluate(SAMPLE, predicted=SAMPLE, part="dev"), "S410"),
        (lambda: suwen.export("bundled", int8=True), "S410"),
        (lambda: suwen.load("nowhere"), "S101"),
        (lambda: suwen.load(threads=0), "S402"),
        (lambda: suwen.train(SAMPLE, "model", encoder="dictionary", part="dev"), "S410"),
        (lambda: suwen.train(SAMPLE, "model", encoder="bilstm", device="gpu"), "S512"),
        (lambda: suwen.train(SAMPLE, "model", encoder="bilstm", device="cuda:7"), "S512"),
        (lambda: suwen.extract(SAMPLE, "out.jsonl", engine="other"), "S404"),
        (lambda: suwen.extract(SAMPLE, "-"), "S406"),
        (lambda: suwen.extract([], "out.jsonl"), "S402"),
        (lambda: suwen.split(SAMPLE, unit="article"), "S404"),
        (lambda: suwen.split(SAMPLE, ratio=(0, 5, 5)), "S402"),
        (lambda: suwen.split(SAMPLE, ratio=(8, 2)), "S402"),
        (lambda: suwen.split(SAMPLE, seed=-1), "S402 .*'seed': -1 is below 0"),
        (lambda: suwen.compare(SAMPLE, SAMPLE, gold=SAMPLE, seed=-1), "S402"),
        (lambda: suwen.agree({"a": SAMPLE, "b": SAMPLE}, seed=-1), "S402"),
        (lambda: suwen.sample(SAMPLE, documents=1, method="random", seed=-1), "S402"),
        (lambda: suwen.pretrain(["a.txt"], "encoder", strategy="bert", size="mini", base="x"), "S406"),
    ],
)
def test_api_refuses_what_the_commands_refuse(tmp_path: Path, monkeypatch, call, code: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SuwenError, match=code):
        call()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "call",
    [
        lambda inside: suwen.extract("k", inside),
        lambda inside: suwen.preannotate("k", inside, endpoint="http://127.0.0.1:9/v1", model="m"),
        lambda inside: suwen.train("k", inside, encoder="dictionary"),
        lambda inside: suwen.train("./k/", inside, task="relations"),
        lambda inside: suwen.train_folds("k", inside, 2),
        lambda inside: suwen.augment_corpus("k", inside, "mention"),
        lambda inside: suwen.pretrain(["k"], inside, encoder="bilstm"),
        *(
            lambda inside, command=command: CliRunner().invoke(app, [*command, "-o", inside], catch_exceptions=False)
            for command in (
                ["extract", "k"],
                ["extract", "k", "other"],
                ["corpus", "sample", "k", "--documents", "1"],
                ["corpus", "convert", "k", "--to", "jsonl"],
                ["train", "k", "--encoder", "dictionary"],
                ["augment", "k", "--method", "mention"],
            )
        ),
    ],
)
def test_api_refuses_outputs_that_the_next_run_would_read(tmp_path: Path, monkeypatch, call) -> None:
    monkeypatch.chdir(tmp_path)
    documents = [Document("a", "二甲双胍治疗糖尿病。", (Entity("Drug", 0, 4, id="T1"),))]
    suwen.write_corpus(documents, "k", "brat")
    before = sorted(tmp_path.rglob("*"))
    for inside in ("k/out.jsonl", "k/deep/out"):
        with pytest.raises(SuwenError, match=f"S127 {inside}: the output is one of the inputs, or inside one"):
            call(inside)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda corpus: suwen.train(corpus, "m", settings={"optimization.epoch": 1}), "S401 .*optimization.epochs"),
        (lambda corpus: suwen.train(corpus, "m", settings="epochs=3"), "S401 .*did you mean 'optimization.epochs'"),
        (lambda corpus: suwen.train(corpus, "m", settings="seed"), "S402"),
        (lambda corpus: suwen.train(corpus, "m", encoder="dictionary", settings={"shar": 1}), "S401"),
        (lambda corpus: suwen.train(corpus, "m", task="relations", settings={"trees.counts": 1}), "S401"),
        (lambda corpus: suwen.train_folds(corpus, "m", 2, settings={"optimization.epoch": 1}), "S401"),
        (lambda corpus: suwen.augment_corpus(corpus, "m", "mention", settings={"sampling.topk": 3}), "S401"),
    ],
)
def test_api_checks_settings_before_it_reads_the_corpus(call, code: str) -> None:
    def documents():
        pytest.fail("the corpus is read")
        yield

    with pytest.raises(SuwenError, match=code):
        call(documents())


@pytest.mark.parametrize("command", [["train"], ["train", "--task", "relations"], ["augment"]])
def test_api_commands_check_settings_before_they_read_the_corpus(tmp_path: Path, command: list[str]) -> None:
    words = [command[0], str(tmp_path / "none"), "-o", str(tmp_path / "m"), *command[1:], "--set", "sede=1"]
    words += ["--format", "brat"] * (command == ["augment"])
    with pytest.raises(SuwenError, match=r"S401 .*sede"):
        CliRunner().invoke(app, words, catch_exceptions=False)


def test_api_names_what_a_relation_model_cannot_be_first(tmp_path: Path) -> None:
    for options in ({"int8": True}, {"trainable": True}):
        with pytest.raises(SuwenError, match=f"S406 {next(iter(options))} cannot be combined with a relation model"):
            suwen.export(bundled.DATA / "suwen-relations", **options)
    words = ["export", str(bundled.DATA / "suwen-relations"), "--int8"]
    with pytest.raises(SuwenError, match="S406 int8 cannot be combined with a relation model"):
        CliRunner().invoke(app, words, catch_exceptions=False)


def test_api_takes_a_document_and_a_path_for_documents(tmp_path: Path) -> None:
    entities = (Entity("Drug", 0, 4, id="T1"), Entity("Disease", 6, 9, id="T2"))
    document = Document("a", "二甲双胍治疗糖尿病。", entities)
    path = tmp_path / "a.jsonl"
    suwen.write_corpus(document, path)
    suwen.write_corpus(str(path), tmp_path / "b.jsonl")
    for given in (document, [document], str(path), path, tmp_path / "b.jsonl"):
        assert [found.id for found in suwen.relate(given, "cooccurrence")] == ["a"]
    assert suwen.Graph(tmp_path / "g.db").add(path).documents == {"added": 1}
    assert suwen.Graph(tmp_path / "g.db").add(document).documents == {"unchanged": 1}


def test_api_objects_say_in_a_line_what_they_are(tmp_path: Path) -> None:
    texts = ["二甲双胍治疗糖尿病。", "阿卡波糖降低餐后血糖。", "格列美脲每日一次口服。", "利拉鲁肽皮下注射。"]
    documents = [Document(str(n), text, (Entity("Drug", 0, 4, id="T1"),)) for n, text in enumerate(texts)]
    split = suwen.split(documents, ratio=(2, 1, 1), seed=3)
    report = suwen.train(documents, tmp_path / "words", encoder="dictionary", split=split)
    model = suwen.load(report.model)
    terms = tmp_path / "terms.tsv"
    terms.write_text("E11.9\t2型糖尿病\n", encoding="utf-8")
    shown = {
        "<DictionaryExtractor words, entity types: 1>": model,
        "<RelatingExtractor words + cooccurrence, entity types: 1, relation types: 10>": RelatingExtractor(
            model, load_relations("cooccurrence")
        ),
        "<CooccurrenceExtractor cooccurrence, entity types: 15, relation types: 10>": load_relations("cooccurrence"),
        "<Schema lcdd, entity types: 15, relation types: 10>": LCDD,
        "<Split by document, seed: 3, train: 2, dev: 1, test: 1>": split,
        f"<Report of {tmp_path / 'words'}, F1 on dev: {report.scores.micro.f1:.3f}>": report,
        "<Evaluation of all, precision: 1.000, recall: 1.000, F1: 1.000>": suwen.evaluate(
            documents, predicted=documents
        ),
        "<PredictionsComparison of all, F1: 1.000 and 1.000, p: 1.000>": suwen.compare(
            documents, documents, gold=documents
        ),
        "<Agreement of anna, bo, documents: 4, strict F1: 1.000, alpha: 1.000>": suwen.agree(
            {"anna": documents, "bo": documents}
        ),
        "<Augmentation, documents: 4, failures: 0>": suwen.augment(documents, "mention"),
        "<Terminology terms, terms: 1>": read_terminology(terms),
        "Graph('g.db')": suwen.Graph("g.db"),
    }
    assert {text: repr(value) for text, value in shown.items()} == {text: text for text in shown}


def test_api_chooses_documents_and_measures_agreement(tmp_path: Path) -> None:
    documents = suwen.read_corpus(SAMPLE)[:3]
    suwen.write_corpus(documents, tmp_path / "pool.jsonl", "jsonl")
    found = suwen.sample(tmp_path / "pool.jsonl", documents=2, annotated=documents[:1], method="random")
    assert [document.meta["sample"]["rank"] for document in found.documents] == [1, 2]
    assert found.left_out == {"documents that are annotated already": 1}
    agreement = suwen.agree({"anna": documents, "bo": tmp_path / "pool.jsonl"})
    assert agreement.pairs[0].strict.value == 1
    agreement.write_html(tmp_path / "page.html")
    assert "anna, bo" in (tmp_path / "page.html").read_text(encoding="utf-8")
    with pytest.raises(suwen.SuwenError, match="S404"):
        suwen.sample(tmp_path / "pool.jsonl", documents=2, method="best")


def test_api_takes_a_split_by_its_file_and_settings_as_a_mapping(tmp_path: Path) -> None:
    split = suwen.split(SAMPLE, unit="group")
    split.write(tmp_path / "split.json")
    settings = {"share": 0.5, "shortest": 3}
    suwen.train(SAMPLE, tmp_path / "model", encoder="dictionary", split=tmp_path / "split.json", settings=settings)
    configuration = json.loads((tmp_path / "model/manifest.json").read_text(encoding="utf-8"))["configuration"]
    assert configuration.items() >= settings.items()
    by_file = suwen.evaluate(SAMPLE, tmp_path / "model", split=str(tmp_path / "split.json"))
    assert by_file.to_dict() == suwen.evaluate(SAMPLE, tmp_path / "model", split=split).to_dict()
    found = suwen.compare(by_file.predictions, by_file.predictions, gold=SAMPLE, split=tmp_path / "split.json")
    assert (found.part, found.result.p_value) == ("test", 1)
    with pytest.raises(suwen.SuwenError, match="S101"):
        suwen.evaluate(SAMPLE, tmp_path / "model", split=tmp_path / "none.json")
