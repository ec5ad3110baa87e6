"""``suwen reproduce`` as a user runs it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from suwen.bundled import bundled_encoder
from suwen.cli import app
from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.formats import read_corpus, write_corpus
from suwen.schema import LCDD

BUNDLED_ENCODER = bundled_encoder("bundled")
SAMPLE = Path(__file__).parent.parent / "src" / "suwen" / "data" / "sample"
QUICK = (
    *("--tables", "2,added", "--set", "best_encoder=bilstm", "--set", "fraction=0.3"),
    *("--set", 'best=["encoder.hidden=8","encoder.embedding=8","optimization.epochs=1","optimization.least_steps=0"]'),
    *("--set", "seeds.group=[0]"),
)
"""Table 2 and the added rows: five systems on three splits, in seconds, without an encoder."""


def suwen(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "suwen", "reproduce", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def invoke(*arguments: object):
    return CliRunner().invoke(app, ["reproduce", *map(str, arguments)])


def code_of(*arguments: object) -> str:
    """The code of the error that these arguments provoke; main() makes it one line and exit status 2."""
    error = invoke(*arguments).exception
    assert isinstance(error, SuwenError), error
    assert "\n" not in str(error)
    return error.code


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reproduce") / "results"
    done = suwen("-o", folder, *QUICK, "--json")
    assert done.returncode == 0, done.stderr
    values = json.loads(done.stdout)
    assert values["done"] == 15
    assert values["failed"] == {}
    return folder


def test_cli_reproduce_lists_the_runs(tmp_path: Path) -> None:
    shown = invoke("-o", tmp_path / "none", "--dry-run", "--json", "--tables", "4,7")
    plan = json.loads(shown.stdout)
    tables = {row["run"]: row["tables"] for row in plan["runs"]}
    assert tables["sentence/roberta-crf-s0"] == ["7"]
    assert len(tables) == len(plan["runs"])
    assert not (tmp_path / "none").exists()
    assert "runs, profile smoke" in invoke("-o", tmp_path / "none", "--dry-run").stdout


def test_cli_reproduce_writes_a_report_that_is_self_contained(results: Path) -> None:
    page = (results / "report" / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"(?:src|href)=[\"']?https?:", page)
    assert "<script" not in page
    for place in ("table-2", "table-added", "types", "method", "runs"):
        assert f'id="{place}"' in page
    for link in re.findall(r'href="(manifests/[^"]+)"', page):
        assert (results / "report" / link).is_file()
    markdown = (results / "report" / "README.md").read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)]+)\)", markdown):
        assert (results / "report" / link).is_file()
    values = json.loads((results / "report" / "results.json").read_text(encoding="utf-8"))
    assert {row["state"] for row in values["runs"]} == {"done"}
    assert values["percent"]["dictionary/group"]["f1"]["mean"] > 20


def test_cli_reproduce_reports_no_text_of_the_corpus(results: Path) -> None:
    documents = read_corpus(SAMPLE)
    pieces = {
        document.text[start : start + 12].strip()
        for document in documents
        for start in range(0, len(document.text) - 12, 12)
    }
    for path in (results / "report").rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert not [piece for piece in pieces if len(piece) > 8 and piece in text], path
            assert str(results) not in text


def test_cli_reproduce_makes_encoders_and_generated_documents(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    group_only = ("--set", "seeds.sentence=[]", "--set", "seeds.document=[]", "--set", "seeds.group=[0]")
    done = suwen("-o", folder, "--tables", "7", *group_only, "--workers", "2", "--json")
    assert done.returncode == 0, done.stderr
    values = json.loads(done.stdout)
    assert (values["done"], values["not_run"]) == (4, [])
    assert [one["claim"] for one in values["verdicts"]] == ["crf", "lstm"]
    assert all(row["p_value"] is not None for one in values["verdicts"] for row in one["contrasts"])
    notes = json.loads((folder / "encoders.json").read_text(encoding="utf-8"))
    assert {name: note["read_test"] for name, note in notes.items()} == {"ernie": False, "roberta": False}
    manifest = json.loads((folder / "report/manifests/group/roberta-crf-s0.json").read_text(encoding="utf-8"))
    assert manifest["configuration"]["encoder"]["name"] == "roberta"
    generated = read_corpus(folder / "augmented" / "group.jsonl")
    assert manifest["data"]["generated"]["documents"] == len(generated)
    train = {path.stem for path in (folder / "text").iterdir()}
    assert {document.id.partition(".")[0] for document in generated} <= train
    page = (folder / "report" / "report.html").read_text(encoding="utf-8")
    # Bars, learning curves, types, and the confusion of the one system of two that was run.
    assert page.count("<svg") == 4
    # What was damaged since is made again, and nothing that it does not concern.
    weights = folder / "encoders" / "roberta" / "model.safetensors"
    whole, results = weights.read_bytes(), found(folder)
    weights.write_bytes(whole[:-8] + bytes(8))
    (folder / "augmented" / "group.jsonl").write_bytes(b"")
    (folder / "encoders" / "ernie" / "manifest.json").unlink()
    again = suwen("-o", folder, "--tables", "7", *group_only, "--resume")
    assert again.returncode == 0, again.stderr
    assert "again   encoder/roberta  model.safetensors is not what 'suwen pretrain' wrote" in again.stderr
    assert "again   encoder/ernie  manifest.json is not what 'suwen pretrain' wrote" in again.stderr
    assert "again   augmentation/group  it is not what was generated" in again.stderr
    assert "again   group/" not in again.stderr
    assert weights.read_bytes() == whole
    assert found(folder) == results


def test_cli_reproduce_refuses_an_encoder_that_was_changed(tmp_path: Path) -> None:
    encoder = tmp_path / "encoders" / "roberta"
    shutil.copytree(BUNDLED_ENCODER, encoder)
    (encoder / "vocab.txt").write_text("药", encoding="utf-8")
    group_only = ("--set", "seeds.sentence=[]", "--set", "seeds.document=[]", "--set", "seeds.group=[0]")
    options = ("--tables", "added", *group_only, "--set", 'feature_crf=["iterations=2"]')
    refused = suwen("-o", tmp_path / "results", *options, "--encoders", encoder.parent)
    assert refused.returncode == 1
    # The reason is told once, with all that it concerns.
    assert len(re.findall(r"^failed: .*S503 .*vocab.txt", refused.stderr, re.MULTILINE)) == 1


def test_cli_reproduce_keeps_what_is_done_when_an_encoder_is_gone(tmp_path: Path) -> None:
    encoder = tmp_path / "encoders" / "roberta"
    shutil.copytree(BUNDLED_ENCODER, encoder)
    group_only = ("--set", "seeds.sentence=[]", "--set", "seeds.document=[]", "--set", "seeds.group=[0]")
    options = ("--tables", "added", *group_only, "--set", 'feature_crf=["iterations=2"]', "--encoders", encoder.parent)
    command = ("-o", tmp_path / "results", *options)
    assert suwen(*command).returncode == 0
    result = tmp_path / "results" / "runs" / "group" / "best-s0" / "result.json"
    before = result.stat().st_mtime_ns
    vocabulary = (encoder / "vocab.txt").read_bytes()
    (encoder / "vocab.txt").write_bytes(b"")
    failed = suwen(*command, "--resume")
    assert failed.returncode == 1
    assert "failed: group/best-s0: S503" in failed.stderr
    (encoder / "vocab.txt").write_bytes(vocabulary)
    assert suwen(*command, "--resume").returncode == 0
    assert result.stat().st_mtime_ns == before
    # Neither another set of encoders nor other texts go unnoticed.
    assert code_of("-o", tmp_path / "results", *options[:-2], "--resume") == "S508"
    assert code_of(*command, "--texts", encoder / "vocab.txt", "--resume") == "S508"


def test_cli_reproduce_repeats_nothing_that_is_done(results: Path) -> None:
    files = sorted((results / "runs").rglob("result.json"))
    before = {path: path.stat().st_mtime_ns for path in files}
    again = invoke("-o", results, *QUICK, "--resume", "--json")
    assert again.exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in files} == before
    # A changed setting makes the runs again that it concerns, and no other.
    changed = invoke("-o", results, *QUICK, "--set", 'feature_crf=["iterations=5"]', "--resume")
    assert changed.exit_code == 0
    remade = {path.parent.name for path in files if path.stat().st_mtime_ns != before[path]}
    assert remade == {"feature-crf-s0"}


def test_cli_reproduce_shows_failed_runs_and_continues(results: Path) -> None:
    failing = invoke("-o", results, *QUICK, "--set", "best_encoder=nowhere", "--resume", "--json")
    assert failing.exit_code == 1
    values = json.loads(failing.stdout)
    assert set(values["failed"]) == {f"{unit}/best-s0" for unit in ("sentence", "document", "group")}
    assert all("S506" in reason for reason in values["failed"].values())
    assert values["done"] == 12
    assert 'class="failure"' in (results / "report" / "report.html").read_text(encoding="utf-8")
    mended = invoke("-o", results, *QUICK, "--resume", "--json")
    assert json.loads(mended.stdout)["failed"] == {}


@pytest.mark.slow
def test_cli_reproduce_is_the_same_in_several_processes(results: Path, tmp_path: Path) -> None:
    parallel = suwen("-o", tmp_path / "results", *QUICK, "--workers", "2")
    assert parallel.returncode == 0, parallel.stderr
    assert found(tmp_path / "results") == found(results)


def found(results: Path) -> dict[str, str]:
    """What each run predicted."""
    return {
        path.parent.relative_to(results).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted((results / "runs").rglob("entities.jsonl"))
    }


def test_cli_reproduce_refuses_another_experiment(results: Path, tmp_path: Path) -> None:
    assert code_of("-o", results, *QUICK) == "S531"
    assert code_of("-o", results, *QUICK, "--set", "fraction=0.4", "--resume") == "S508"
    assert code_of("-o", tmp_path / "none", *QUICK, "--resume") == "S507"
    documents = read_corpus(SAMPLE)
    first = documents[0]
    write_corpus(
        [Document(first.id, first.text, first.entities[1:]), *documents[1:]], tmp_path / "changed.jsonl", "jsonl"
    )
    refused = suwen("-o", results, "--data", tmp_path / "changed.jsonl", *QUICK, "--resume")
    assert refused.returncode == 2
    assert re.fullmatch(r"S508 .*corpus \(hash \w{12}, this is \w{12}\).*\n", refused.stderr)


def test_cli_reproduce_refuses_what_is_half_written(results: Path, tmp_path: Path) -> None:
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "corpus.jsonl").write_text("", encoding="utf-8")
    assert code_of("-o", tmp_path / "half", "--resume") == "S530"
    assert code_of("-o", tmp_path / "half") == "S104"
    record = results / "experiment.json"
    whole = record.read_text(encoding="utf-8")
    record.write_text(whole[:20], encoding="utf-8")
    assert code_of("-o", results, *QUICK, "--resume") == "S530"
    record.write_text(whole, encoding="utf-8")


@pytest.mark.parametrize(("name", "lost"), [("entities.jsonl", True), ("manifest.json", False), ("result.json", False)])
def test_cli_reproduce_makes_a_damaged_run_again(results: Path, name: str, lost: bool) -> None:
    before = found(results)
    file = results / "runs" / "sentence" / "dictionary-s0" / name
    file.unlink() if lost else file.write_bytes(file.read_bytes()[:-9])
    again = suwen("-o", results, *QUICK, "--resume", "--json")
    assert again.returncode == 0, again.stderr
    why = rf"^again   sentence/dictionary-s0  {name} (is not what the run wrote|cannot be read)$"
    assert re.search(why, again.stderr, re.MULTILINE)
    assert found(results) == before


def test_cli_reproduce_shows_table_2_alone(tmp_path: Path) -> None:
    done = invoke("-o", tmp_path / "results", "--tables", "2")
    assert done.exit_code == 0
    assert "Claim" not in done.stdout
    assert "![" not in (tmp_path / "results" / "report" / "README.md").read_text(encoding="utf-8")


def test_cli_reproduce_leaves_a_folder_as_it_was_where_it_cannot_begin(tmp_path: Path) -> None:
    documents = read_corpus(SAMPLE)
    one_group = [Document(one.id, one.text, one.entities, group="1") for one in documents]
    write_corpus(one_group, tmp_path / "corpus.jsonl", "jsonl")
    (tmp_path / "out").mkdir()
    assert code_of("-o", tmp_path / "out", "--data", tmp_path / "corpus.jsonl") == "S304"
    assert list((tmp_path / "out").iterdir()) == []


def test_cli_reproduce_refuses_other_corpora(tmp_path: Path) -> None:
    documents = read_corpus(SAMPLE)
    without = [
        Document(one.id, one.text, tuple(entity for entity in one.entities if entity.label != "Operation"))
        for one in documents
    ]
    write_corpus(without, tmp_path / "without.jsonl", "jsonl")
    assert code_of("-o", tmp_path / "out", "--data", tmp_path / "without.jsonl") == "S313"
    text = "".join(f"{label}词。" for label in LCDD.labels)
    entities = [Entity(label, text.index(label), text.index(label) + len(label)) for label in LCDD.labels]
    two = [Document(name, text, tuple(entities)) for name in ("1_1", "2_1")]
    write_corpus(two, tmp_path / "two.jsonl", "jsonl")
    assert code_of("-o", tmp_path / "out", "--data", tmp_path / "two.jsonl") == "S304"
    assert code_of("-o", tmp_path / "out", "--tables", "3") == "S404"
    for setting in ("fractoin=1", 'augmentation=["wrods.segmenter=1"]', 'pretraining=["modle.layers=1"]'):
        assert code_of("-o", tmp_path / "out", "--set", setting) == "S401"
    assert not (tmp_path / "out").exists()


def test_cli_reproduce_continues_after_a_kill(results: Path, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    command = [sys.executable, "-m", "suwen", "reproduce", "-o", str(folder), *QUICK]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    # In the midst of the third run.
    while len(list(folder.glob("runs/*/*/result.json"))) < 2:
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("result.json")}
    resumed = suwen("-o", folder, *QUICK, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert found(folder) == found(results)


@pytest.mark.slow
def test_cli_reproduce_is_the_same_on_ray(results: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 2**27}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        # Its workers would have the lowest priority, and never end where the machine has other work.
        patch.setenv("RAY_worker_niceness", "0")
        cluster = Cluster(initialize_head=True, head_node_args=node | {"include_dashboard": False})
        try:
            cluster.add_node(**node)
            cluster.wait_for_nodes()
            patch.setenv("RAY_ADDRESS", cluster.address)
            spread = suwen("-o", tmp_path / "results", *QUICK, "--engine", "ray")
        finally:
            cluster.shutdown()
    assert spread.returncode == 0, spread.stderr
    assert found(tmp_path / "results") == found(results)


def test_cli_reproduce_smoke_runs_everything(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    done = suwen("-o", folder, "--json")
    assert done.returncode == 0, done.stderr
    values = json.loads(done.stdout)
    assert (values["done"], values["failed"], values["not_run"]) == (86, {}, [])
    assert len(values["verdicts"]) == 6
    page = (folder / "report" / "report.html").read_text(encoding="utf-8")
    assert all(f'id="table-{name}"' in page for name in ("2", "4", "5", "6", "7", "added"))
    encoders = json.loads((folder / "encoders.json").read_text(encoding="utf-8"))
    assert {note["origin"] for note in encoders.values()} == {"made here"}
    assert not any(note["read_test"] for note in encoders.values())


def test_cli_reproduce_refuses_a_damaged_folder_and_paths_that_are_not_there(results: Path, tmp_path: Path) -> None:
    corpus = results / "corpus.jsonl"
    whole = corpus.read_bytes()
    corpus.write_bytes(whole.replace("。".encode(), "！".encode(), 1))
    try:
        refused = suwen("-o", results, *QUICK, "--resume")
    finally:
        corpus.write_bytes(whole)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert re.match(r"S530 .*corpus.jsonl is not what this corpus gives", refused.stderr)
    for option in ("--texts", "--encoders"):
        assert code_of("-o", tmp_path / "new", *QUICK, option, tmp_path / "nowhere") == "S101"
    assert not (tmp_path / "new").exists()
