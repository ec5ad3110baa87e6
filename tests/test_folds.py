import json
import shutil

import pytest
from typer.testing import CliRunner

import suwen
from suwen.cli import app
from suwen.corpus.split import Selection, whole
from suwen.corpus.splitting import group_of, make_folds
from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.formats import write_corpus
from suwen.model_folder import read_stored_model
from suwen.tagging.encode import prepare
from suwen.training import folds as module
from suwen.training.distillation import read_distillation
from suwen.training.folds import Contradiction, find_contradictions, write_contradictions

DRUGS = ("二甲双胍", "阿卡波糖", "格列美脲", "西格列汀")
SETTINGS = (
    *("--set", "optimization.epochs=1", "--set", "optimization.least_steps=30", "--set", "encoder.hidden=16"),
    *("--set", "encoder.embedding=16", "--set", "encoder.minimum_count=1", "--set", "optimization.learning_rate=0.02"),
    *("--set", "optimization.head_learning_rate=0.02", "--set", "encoder.dropout=0", "--set", "head.dropout=0"),
)


def annotated(name, text, *mentions):
    entities = [Entity(label, text.index(words), text.index(words) + len(words)) for label, words in mentions]
    return Document(name, text, tuple(entities))


def documents():
    texts = ("{}能降低血糖。第{}例。", "患者口服{}，第{}次随访。", "医生停用了{}，第{}天好转。")
    return [
        annotated(f"{issue}_{article}", texts[article].format(drug, "一二三四"[issue]), ("Drug", drug))
        for issue, drug in enumerate(DRUGS)
        for article in range(3)
    ]


def test_folds_keep_groups_together_and_do_not_depend_on_order():
    corpus = documents()
    assigned = make_folds(corpus, 2, "group")
    by_group = {
        group_of(document): {
            fold for one, fold in zip(corpus, assigned, strict=True) if group_of(one) == group_of(document)
        }
        for document in corpus
    }
    assert all(len(own) == 1 for own in by_group.values())
    assert sorted(assigned) == [0] * 6 + [1] * 6
    assert make_folds(corpus[::-1], 2, "group") == assigned[::-1]
    assert len(set(make_folds(corpus, 3, "document"))) == 3


def test_folds_keep_near_copies_and_generated_documents_with_their_originals():
    long = "这里讨论了许多不同的话题，例如饮食、运动、睡眠以及心情，而没有提到任何药物。" * 3
    corpus = [*documents(), Document("x", long), Document("y", long + "完。"), Document("1_1.token.1", "药物不同。")]
    assigned = dict(zip((document.id for document in corpus), make_folds(corpus, 4, "document"), strict=True))
    assert assigned["x"] == assigned["y"]


def test_folds_need_as_many_groups():
    with pytest.raises(SuwenError, match="S304"):
        make_folds(documents(), 5, "group")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("folds")
    corpus = folder / "corpus.jsonl"
    write_corpus(documents(), corpus, "jsonl")
    arguments = ["train", str(corpus), "-o", str(folder / "m"), "--folds", "2", "--json", *SETTINGS]
    done = CliRunner().invoke(app, [*arguments, "--report", str(folder / "report.tsv")])
    assert done.exit_code == 0, done.output
    return folder, arguments, json.loads(done.stdout)


def test_folds_models_know_what_they_have_learned_from(trained):
    folder, _, printed = trained
    assert printed["models"] == [str(folder / "m" / "fold-1"), str(folder / "m" / "fold-2")]
    data = [read_stored_model(folder / "m" / f"fold-{number}").manifest["data"] for number in (1, 2)]
    folds = [one.pop("fold") for one in data]
    assert data[0] == data[1]
    assert data[0]["train"]["documents"] == 12
    assert [(fold["number"], fold["count"]) for fold in folds] == [(1, 2), (2, 2)]
    names = [name for fold in folds for name in fold["documents"]]
    assert sorted(names) == sorted(document.id for document in documents())
    assert (folder / "report.tsv").read_text(encoding="utf-8").splitlines()[0].split("\t") == list(module.COLUMNS)


def test_folds_resume_trains_only_what_is_missing(trained):
    folder, arguments, printed = trained
    before = (folder / "m" / "fold-1" / "manifest.json").read_bytes()
    shutil.rmtree(folder / "m" / "fold-2")
    again = CliRunner().invoke(app, arguments)
    assert again.exception.code == "S104"
    unfinished = folder / "m" / "fold-2.training"
    unfinished.mkdir()
    again = CliRunner().invoke(app, arguments)
    assert again.exception.code == "S511"
    unfinished.rmdir()
    again = CliRunner().invoke(app, [*arguments, "--resume"])
    assert json.loads(again.stdout) == {"models": printed["models"], "contradictions": None}
    assert (folder / "m" / "fold-1" / "manifest.json").read_bytes() == before
    other = CliRunner().invoke(app, [*arguments, "--resume", "--set", "seed=3"])
    assert other.exception.code == "S508"
    record = folder / "m" / "run.json"
    kept = record.read_text(encoding="utf-8")
    record.write_text(kept.replace('"word vectors": null', '"word vectors": "of another file"'), encoding="utf-8")
    other = CliRunner().invoke(app, [*arguments, "--resume"])
    assert (other.exception.code, "word vectors" in str(other.exception)) == ("S508", True)
    record.write_text(kept, encoding="utf-8")


def test_folds_are_teachers_together(trained):
    folder, _, _ = trained
    found = read_distillation([folder / "m"], [], 0.5)
    assert [teacher.name for teacher in found.teachers] == ["fold-1", "fold-2"]
    with pytest.raises(SuwenError, match=r"S406 .*name each teacher once"):
        read_distillation([folder / "m", folder / "m" / "fold-1"], [], 0.5)
    with pytest.raises(SuwenError, match=r"S501 .*it holds the models of folds, such as .*fold-1;"):
        suwen.load(folder / "m")
    shutil.move(folder / "m" / "fold-2", folder / "kept")
    try:
        with pytest.raises(SuwenError, match="S511"):
            read_distillation([folder / "m"], [], 0.5)
    finally:
        shutil.move(folder / "kept", folder / "m" / "fold-2")


def test_folds_refuse_what_does_not_fit(trained):
    folder, arguments, _ = trained
    fresh = [*arguments[:3], str(folder / "n"), *arguments[4:]]
    assert CliRunner().invoke(app, [*fresh, "--resume"]).exception.code == "S507"
    assert CliRunner().invoke(app, [*fresh, "--teacher", "m"]).exception.code == "S406"
    assert CliRunner().invoke(app, [*fresh, "--encoder", "dictionary"]).exception.code == "S406"
    assert CliRunner().invoke(app, ["train", "c", "-o", "n", "--report", "r.tsv"]).exception.code == "S410"
    existing = CliRunner().invoke(app, [*fresh, "--report", str(folder / "report.tsv")])
    assert existing.exception.code == "S104"


def test_folds_that_cannot_begin_leave_nothing_behind(trained):
    folder, arguments, _ = trained
    fresh = [*arguments[:3], str(folder / "n"), *arguments[4:]]
    assert CliRunner().invoke(app, [*fresh, "--encoder", str(folder / "nowhere")]).exception.code == "S506"
    assert not (folder / "n").exists()


def test_folds_without_contradictions_name_the_table(trained):
    folder, arguments, _ = trained
    plain = [argument for argument in arguments if argument != "--json"]
    done = CliRunner().invoke(app, [*plain, "--resume", "--report", str(folder / "none.tsv")], env={"COLUMNS": "300"})
    assert done.exit_code == 0, done.output
    rows = len((folder / "none.tsv").read_text(encoding="utf-8").splitlines()) - 1
    assert "none.tsv" in done.output
    assert ("contradictions" in done.output) == (rows == 0)


class Reader:
    """Finds what it is told to, instead of a trained model."""

    def __init__(self, ner, found, nothing):
        self.settings, self.featurizer = ner.settings, ner.featurizer
        self._found, self._nothing = found, nothing

    def predict(self, selections):
        for document in (selection.document for selection in selections):
            yield Document(document.id, document.text, self._found)

    def marginals(self, document, prepared, spans):
        return [[self._nothing for _ in row] for row in spans]


@pytest.mark.parametrize(
    ("found", "nothing", "expected"),
    [
        ((), 0.9, [("no mention", 0.9, None)]),
        ((), 0.4, []),
        ((Entity("Drug", 4, 8, score=0.6),), 0.9, []),
        ((Entity("Disease", 4, 8, score=0.7),), 0.1, [("other type", 0.7, "Disease")]),
        ((Entity("Drug", 2, 8, score=0.8),), 0.1, [("other boundaries", 0.8, "Drug")]),
        ((Entity("Drug", 2, 8, score=0.2),), 0.7, [("no mention", 0.7, None)]),
        ((Entity("Drug", 4, 8, score=0.6), Entity("Test", 9, 10, score=0.9)), 0.1, [("missing", 0.9, "Test")]),
    ],
)
def test_folds_contradictions_say_what_the_model_reads(trained, found, nothing, expected):
    reader = Reader(suwen.load(trained[0] / "m" / "fold-1"), found, nothing)
    document = annotated("d", "患者口服二甲双胍，第一次随访。", ("Drug", "二甲双胍"))
    contradictions = find_contradictions([(reader, whole([document]))])
    assert [(one.kind, one.confidence, one.suggested and one.suggested.label) for one in contradictions] == expected


def test_folds_contradictions_of_a_real_model_are_sorted_and_held_out(trained):
    wrong = [Document(one.id, one.text, (Entity("Drug", len(one.text) - 3, len(one.text) - 1),)) for one in documents()]
    contradictions = find_contradictions([(suwen.load(trained[0] / "m" / "fold-1"), whole(wrong[:3]))])
    assert {one.document.id for one in contradictions} <= {"0_0", "0_1", "0_2"}
    confidences = [one.confidence for one in contradictions]
    assert confidences == sorted(confidences, reverse=True)
    assert all(0.5 <= confidence <= 1 for confidence in confidences)


def test_folds_report_has_a_line_for_each_contradiction(tmp_path):
    document = Document("a\tb", "口服二甲\n双胍，无效。")
    entity = Entity("Drug", 2, 7)
    rows = [
        Contradiction(document, "no mention", 0.75, entity, None),
        Contradiction(document, "missing", 0.5, None, entity),
    ]
    assert write_contradictions(tmp_path / "r.tsv", rows) == {"missing": 1, "no mention": 1}
    lines = (tmp_path / "r.tsv").read_text(encoding="utf-8").splitlines()
    assert lines[1].split("\t") == [
        *("0.750", "no mention", "a b", "2", "7", "二甲 双胍", "Drug", "", "", "口服【二甲 双胍】，无效。"),
    ]
    assert [len(line.split("\t")) for line in lines] == [10] * 3


def test_folds_marginal_of_no_mention_completes_the_others(trained):
    """Over one character, the probabilities of no mention and of all mentions that hold it sum to one."""
    ner = suwen.load(trained[0] / "m" / "fold-1")
    text = "口服二甲双"
    document = Document("d", text)
    prepared = prepare(text, ner.settings.view, ner.settings.windows)
    spans = [("Drug", start, end) for start in range(3) for end in range(3, 6)]
    (values,) = ner.marginals(document, prepared, [[*spans, ("", 2, 3)]])
    assert sum(values) == pytest.approx(1, abs=1e-5)


def test_folds_select_only_what_the_part_owns():
    document = annotated("d", "二甲双胍有效。二甲双胍无效。", ("Drug", "二甲双胍"))
    selection = Selection(document, ((7, 14),))
    assert next(module._missing(selection, [Entity("Drug", 7, 11, score=0.9)])).kind == "missing"
