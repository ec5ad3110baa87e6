"""`suwen preannotate` as a user runs it, against an endpoint that misbehaves in every known way."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from chat_endpoint import asked, marking, numbered, serving

from suwen.annotation.annotator import answer_lines
from suwen.annotation.answers import Answers
from suwen.annotation.endpoint import Answer, Endpoint
from suwen.annotation.preannotation import preannotate
from suwen.annotation.prompt import Examples, Prompt
from suwen.bundled import SAMPLE
from suwen.cli import main
from suwen.errors import SuwenError
from suwen.formats import read_corpus
from suwen.schema import LCDD

TEXT = "患者口服二甲双胍治疗2型糖尿病。\n血压正常。不良反应为腹泻；停药后好转。"
TERMS = {"二甲双胍": "Drug", "2型糖尿病": "Disease", "腹泻": "SideEff"}
KEY = "sk-secret-0123456789"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["suwen", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "a.txt").write_text(TEXT, encoding="utf-8")
    (folder / "b.txt").write_text("口服二甲双胍。", encoding="utf-8")
    return folder


def quick(url: str, **options: Any) -> Endpoint:
    return Endpoint(url, "m", **{"first_wait": 0.001, "timeout": 5.0, **options})


def mentions(path: Path) -> list[list[tuple[str, str]]]:
    return [[(e.label, document.mention(e)) for e in document.entities] for document in read_corpus(path)]


ALL = [[("Drug", "二甲双胍"), ("Disease", "2型糖尿病"), ("SideEff", "腹泻")], [("Drug", "二甲双胍")]]


def test_preannotate_writes_exact_mentions(
    tmp_path: Path, texts: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SUWEN_API_KEY", KEY)
    guideline = tmp_path / "guideline.txt"
    guideline.write_text("药物不包括剂量。", encoding="utf-8")
    out, cache = tmp_path / "out.jsonl", tmp_path / "cache.jsonl"
    with serving(marking(TERMS)) as stub:
        options = ["--endpoint", stub.url, "--model", "m", "--guideline", guideline, "--cache", cache]
        command = ["preannotate", texts, "-o", out, *options, "--prices", "1,2", "--set", "max_tokens=99", "--json"]
        assert run(monkeypatch, *command) == 0
    printed, error = capsys.readouterr()
    report = json.loads(printed)
    assert mentions(out) == ALL
    assert report["counts"]["prompt tokens"] == 200
    assert report["cost"] == pytest.approx((200 + 2 * 20) / 1e6)
    assert {body["max_tokens"] for body in stub.bodies} == {99}
    assert "药物不包括剂量。" in stub.bodies[0]["messages"][0]["content"]
    assert stub.received[0]["Authorization"] == f"Bearer {KEY}"
    assert stat.S_IMODE(cache.stat().st_mode) == 0o600
    written = "".join(path.read_text(encoding="utf-8") for path in (out, cache))
    assert KEY not in written + printed + error
    assert not (tmp_path / "out.jsonl.preannotation").exists()


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("HTTP 429", 429),
        ("HTTP 500", 500),
        ("HTTP 503", 503),
        ("broken connection", None),
        ("empty answer", ""),
        ("empty answer", {"choices": [{"message": {"content": None}}]}),
        ("answer in another form", {"error": "x"}),
        ("answer in another form", b"<html>gateway</html>"),
        ("answer in another form", b"[" * 5000),
    ],
)
def test_preannotate_repeats_requests_that_fail(tmp_path: Path, texts: Path, name: str, first: Any) -> None:
    good = marking(TERMS)
    with serving(lambda number, body: first if number < 2 else good(number, body), retry_after="0") as stub:
        report = preannotate([texts], tmp_path / "out.jsonl", quick(stub.url), Prompt(LCDD), parallel=1)
    assert mentions(tmp_path / "out.jsonl") == ALL
    assert report.requests == {"requests": 4, name: 2}
    assert not report.is_partial


def test_preannotate_gives_up_on_slow_answers(tmp_path: Path, texts: Path) -> None:
    good = marking(TERMS)

    def slow(number: int, body: dict[str, Any]) -> Any:
        if number == 0:
            time.sleep(1.5)
        return good(number, body)

    with serving(slow) as stub:
        endpoint = quick(stub.url, timeout=1.0, retries=20)
        report = preannotate([texts], tmp_path / "out.jsonl", endpoint, Prompt(LCDD), parallel=1)
    assert report.requests["timeout"] >= 1
    assert mentions(tmp_path / "out.jsonl") == ALL


@pytest.mark.parametrize(
    ("change", "kept", "sentences", "refused"),
    [
        # Code fences, thoughts and remarks around the lines are skipped.
        (lambda rows: f"<think>1|嗯</think>\n好的：\n```\n{numbered(rows)}\n```", 4, {}, {}),
        # Cut off in the middle of a sentence.
        (lambda rows: numbered(rows)[:-3], 3, {"altered": 2}, {"tag without its other half": 1}),
        (
            lambda rows: numbered([row + "<Drug>阿司匹林</Drug>" for row in rows]),
            0,
            {"altered": 5},
            {"invented": 5, "in an altered sentence": 4},
        ),
        (lambda rows: numbered([*rows, "多余"]) + "\n7|<Drug>x</Drug>", 4, {}, {}),
        (lambda rows: "\n".join([numbered(rows), numbered(rows)]), 4, {}, {}),
        (lambda rows: "1|别的\n" + numbered(rows), 1, {"came twice, with other tags": 2}, None),
        (lambda rows: "I am a language model.", 0, {"missing in the answer": 5}, {}),
        (lambda rows: numbered([f"<Food>{row}</Food>" for row in rows]), 4, {}, {"unknown label": 5}),
        (lambda rows: numbered([f"<Drug>{row[:3]}<Level>{row[3:]}</Drug></Level>" for row in rows]), 3, None, None),
    ],
)
def test_preannotate_keeps_only_what_is_certain(
    tmp_path: Path, texts: Path, change: Any, kept: int, sentences: Any, refused: Any
) -> None:
    (texts / "b.txt").write_text("口服二甲双胍。", encoding="utf-8")
    good = marking(TERMS)

    def reply(number: int, body: dict[str, Any]) -> str:
        return str(change([line.partition("|")[2] for line in str(good(number, body)).splitlines()]))

    with serving(reply) as stub:
        report = preannotate([texts], tmp_path / "out.jsonl", quick(stub.url), Prompt(LCDD))
    found = mentions(tmp_path / "out.jsonl")
    assert sum(map(len, found)) == report.counts["entities"] == kept
    assert {mention for row in found for mention in row} <= {mention for row in ALL for mention in row}
    assert sentences is None or +report.refused_sentences == sentences
    assert refused is None or +report.refused_mentions == refused
    documents = read_corpus(tmp_path / "out.jsonl")
    said = [item for document in documents for item in document.meta["preannotation"]["refused_sentences"]]
    assert len(said) == report.refused_sentences.total()


def test_preannotate_asks_about_altered_sentences_again(tmp_path: Path, texts: Path) -> None:
    good = marking(TERMS)

    def reply(number: int, body: dict[str, Any]) -> str:
        answer = str(good(number, body))
        return answer if len(asked(body)) == 1 else answer.replace("正常", "很好")

    with serving(reply) as stub:
        report = preannotate([texts], tmp_path / "out.jsonl", quick(stub.url), Prompt(LCDD))
    assert mentions(tmp_path / "out.jsonl") == ALL
    assert report.counts["sentences asked about again"] == 1
    assert not report.refused_sentences


def test_preannotate_stops_and_resumes(
    tmp_path: Path, texts: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, work = tmp_path / "out.jsonl", tmp_path / "out.jsonl.preannotation"
    good = marking(TERMS)
    with serving(lambda number, body: good(number, body) if number == 0 else 401) as stub:
        command = ["preannotate", texts, "-o", out, "--endpoint", stub.url, "--model", "m", "--parallel", "1"]
        assert run(monkeypatch, *command) == 2
        assert "S904" in capsys.readouterr().err
        assert not out.exists()
        assert stat.S_IMODE(work.stat().st_mode) == 0o700
        assert stat.S_IMODE((work / "answers.jsonl").stat().st_mode) == 0o600
        assert run(monkeypatch, *command) == 2
        assert "S511" in capsys.readouterr().err
        stub.reply = good
        asked_before = len(stub.bodies)
        assert run(monkeypatch, *command, "--resume") == 0
        assert len(stub.bodies) == asked_before + 1
    assert mentions(out) == ALL
    assert not work.exists()


def test_preannotate_continues_after_a_failed_request(
    tmp_path: Path, texts: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good = marking(TERMS)
    out, work = tmp_path / "out.jsonl", tmp_path / "out.jsonl.preannotation"
    with serving(lambda number, body: good(number, body) if number == 0 else 413) as stub:
        command = ["preannotate", texts, "-o", out, "--endpoint", stub.url, "--model", "m", "--parallel", "1"]
        assert run(monkeypatch, *command, "--json") == 1
        printed, error = capsys.readouterr()
        assert json.loads(printed)["refused_sentences"] == {"no answer": 1}
        assert "--resume" in error
        assert mentions(out) == [ALL[0], []]
        out.unlink()
        stub.reply = good
        assert run(monkeypatch, *command, "--resume") == 0
    assert mentions(out) == ALL
    assert not work.exists()


def test_preannotate_reports_that_the_endpoint_is_down(
    tmp_path: Path, texts: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    assert run(monkeypatch, "preannotate", texts, "-o", tmp_path / "o.jsonl", "--endpoint", url, "--model", "m") == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"S903 the endpoint {url} does not answer")
    assert [path.name for path in tmp_path.iterdir()] == ["articles"]


def test_preannotate_stops_after_failures_in_a_row(tmp_path: Path) -> None:
    lines = [{"id": f"{i}", "text": f"第{i}例。"} for i in range(40)]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    good = marking(TERMS)
    with (
        serving(lambda number, body: good(number, body) if number < 3 else 503) as stub,
        pytest.raises(SuwenError, match="S903"),
    ):
        preannotate([tmp_path / "in.jsonl"], tmp_path / "o.jsonl", quick(stub.url, retries=1), Prompt(LCDD), parallel=2)
    assert len(stub.bodies) < 20
    assert (tmp_path / "o.jsonl.preannotation/answers.jsonl").read_text(encoding="utf-8").count("\n") == 3


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://192.0.2.7/v1", "S901"),
        ("https://api.example.com/v1", "S901"),
        ("http://127.0.0.1.example.com/v1", "S901"),
        ("http://localhost.example.com/v1", "S901"),
        ("http://127.0.0.1@example.com/v1", "S902"),
        ("http://user:secret@127.0.0.1/v1", "S902"),
        ("http://127.0.0.1:x/v1", "S902"),
        ("http://[::1/v1", "S902"),
        ("ftp://127.0.0.1/v1", "S902"),
        ("127.0.0.1:8000", "S902"),
        ("http://127.0.0.1/v1?key=secret", "S902"),
    ],
)
def test_preannotate_refuses_other_machines_and_keys_in_addresses(url: str, code: str) -> None:
    with pytest.raises(SuwenError) as caught:
        Endpoint(url, "m")
    assert caught.value.code == code
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://localhost:1/v1", "http://127.8.9.1/v1", "http://[::1]:8000/v1"])
def test_preannotate_takes_this_machine(url: str) -> None:
    assert Endpoint(url, "m").is_local


def test_preannotate_follows_no_redirect(tmp_path: Path, texts: Path) -> None:
    with (
        serving(lambda number, body: 307, location="http://127.0.0.1:9/v1") as stub,
        pytest.raises(SuwenError) as caught,
    ):
        preannotate([texts], tmp_path / "o.jsonl", quick(stub.url), Prompt(LCDD), parallel=1)
    assert caught.value.code == "S904"
    assert "redirects are not followed" in str(caught.value)
    assert len(stub.bodies) == 1


def test_preannotate_shows_the_nearest_sentences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, texts: Path) -> None:
    with serving(marking(TERMS)) as stub:
        command = ["preannotate", texts, "-o", tmp_path / "out.json", "--to", "label_studio", "--endpoint", stub.url]
        assert run(monkeypatch, *command, "--model", "m", "--examples", SAMPLE, "--shown-examples", 3) == 0
    _, question, example, _ = stub.bodies[0]["messages"]
    assert example["content"].count("\n") == 2
    assert "</Drug>" in example["content"]
    assert "<" not in question["content"]
    task = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))[0]
    assert task["predictions"][0]["model_version"].startswith("m ")
    assert not task.get("annotations")


def test_preannotate_shows_no_sentence_of_the_same_text() -> None:
    first, second = read_corpus(SAMPLE)[:2]
    found = Examples([first, second], LCDD.labels).nearest([first.text[:30]], 5, first)
    assert found
    assert all(sentence in second.text.replace("\n", "") for sentence, _ in found)


def test_preannotate_shows_no_sentence_of_a_cancelled_task() -> None:
    first, second = read_corpus(SAMPLE)[:2]
    second = replace(second, meta={"read_from": {"unannotated": True}})
    assert not Examples([second], LCDD.labels).nearest([first.text[:30]], 5, first)


def test_preannotate_reports_what_it_cannot_read(
    tmp_path: Path, texts: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (texts / "c.txt").write_bytes(b"\xff\xfe\x00")
    (texts / "d.txt").write_text("药<Drug>。", encoding="utf-8")
    out = tmp_path / "out.jsonl"
    with serving(marking(TERMS)) as stub:
        command = ["preannotate", texts, "-o", out, "--endpoint", stub.url, "--model", "m", "--json"]
        assert run(monkeypatch, *command) == 1
    printed, error = capsys.readouterr()
    assert "c.txt" in error
    assert json.loads(printed)["refused_sentences"] == {"holds what looks like a tag": 1}
    assert len(mentions(out)) == 3


def test_preannotate_warns_before_texts_leave_the_machine(
    tmp_path: Path, texts: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    out = tmp_path / "out.jsonl"
    with serving(marking(TERMS)) as stub:
        # This address is not known to be this machine's own, although it leads here.
        url = stub.url.replace("127.0.0.1", "0.0.0.0")
        command = ["preannotate", texts, "-o", out, "--endpoint", url, "--model", "m"]
        assert run(monkeypatch, *command) == 2
        assert capsys.readouterr().err.startswith(f"S901 the endpoint '{url}' is not on this machine")
        assert not stub.bodies
        assert run(monkeypatch, *command, "--allow-remote") == 0
    assert f"privacy: the texts are sent to {url}" in capsys.readouterr().err
    assert mentions(out) == ALL


def test_preannotate_is_interrupted_and_continues(tmp_path: Path, texts: Path) -> None:
    out = tmp_path / "out.jsonl"
    good = marking(TERMS)
    waiting, go_on = threading.Event(), threading.Event()

    def slow(number: int, body: dict[str, Any]) -> Any:
        if number == 1:
            waiting.set()
            go_on.wait(60)
        return good(number, body)

    with serving(slow) as stub:
        options = ["-o", out, "--endpoint", stub.url, "--model", "m", "--parallel", "1"]
        command = [sys.executable, "-m", "suwen", "preannotate", texts, *options]
        # Background jobs of a shell ignore SIGINT, and so do their children.
        process = subprocess.Popen(
            list(map(str, command)),
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        assert waiting.wait(60)
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        go_on.set()
        _, error = process.communicate(timeout=60)
        assert process.returncode == 130
        assert error.strip().endswith("interrupted; continue with --resume")
        assert not out.exists()
        done = subprocess.run(list(map(str, [*command, "--resume"])), check=False)
        assert done.returncode == 0
        # The answer that was on its way was kept too.
        assert len(stub.bodies) == 2
    assert mentions(out) == ALL


@pytest.mark.parametrize(
    ("text", "lines", "others"),
    [
        ("1|甲\n 2 ｜乙\n\n```", {1: ["甲"], 2: ["乙"]}, 0),
        ("<think>1|丙\n</think>\n1|甲", {1: ["甲"]}, 0),
        ("1|丙\n</think>1|甲", {1: ["甲"]}, 0),
        ("<think>1|丙\n2|丁", {}, 0),
        ("好的\n1|甲\n1|乙\n1. 甲", {1: ["甲", "乙"]}, 2),
    ],
)
def test_preannotate_reads_numbered_lines(text: str, lines: dict[int, list[str]], others: int) -> None:
    assert answer_lines(text) == (lines, others)


def test_preannotate_reads_the_texts_of_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, out = tmp_path / "notes.csv", tmp_path / "out.jsonl"
    table.write_text("no,note\n7,口服二甲双胍。\n", "utf-8")
    with serving(marking(TERMS)) as stub:
        command = ["preannotate", table, "-o", out, "--endpoint", stub.url, "--model", "m"]
        assert run(monkeypatch, *command, "--text-column", "note", "--id-column", "no") == 0
    (document,) = read_corpus(out)
    assert (document.id, mentions(out)) == ("7", [ALL[1]])


@pytest.mark.parametrize("content", [b'{"not": "an answer"}', b"x", '{"key": "k"}\n药'.encode(), b"\n\n"])
def test_preannotate_changes_no_other_file_named_as_its_cache(tmp_path: Path, texts: Path, content: bytes) -> None:
    cache, out = tmp_path / "notes.txt", tmp_path / "out.jsonl"
    cache.write_bytes(content)
    cache.chmod(0o644)
    with serving(marking(TERMS)) as stub, pytest.raises(SuwenError) as caught:
        preannotate([texts], out, quick(stub.url), Prompt(LCDD), cache=cache)
    assert caught.value.code == "S204"
    assert cache.read_bytes() == content
    assert stat.S_IMODE(cache.stat().st_mode) == 0o644
    assert not stub.bodies
    assert not (tmp_path / "out.jsonl.preannotation").exists()


def test_preannotate_takes_back_the_line_of_a_cache_that_a_kill_cut_in_two(tmp_path: Path, texts: Path) -> None:
    cache = tmp_path / "cache.jsonl"
    with serving(marking(TERMS)) as stub:
        preannotate([texts], tmp_path / "a.jsonl", quick(stub.url), Prompt(LCDD), cache=cache)
        lines = cache.read_bytes().splitlines(keepends=True)
        for left in (3, 12, len(lines[1]) - 1):
            cache.write_bytes(lines[0] + lines[1][:left])
            preannotate([texts], tmp_path / f"{left}.jsonl", quick(stub.url), Prompt(LCDD), cache=cache)
            assert sorted(cache.read_bytes().splitlines(keepends=True)) == sorted(lines)
    assert len(stub.bodies) == 5


def test_preannotate_keeps_no_half_of_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, write = Answers(tmp_path / "cache.jsonl"), os.write

    def full(file: int, line: bytes) -> int:
        if len(line) < 20:
            raise OSError(errno.ENOSPC, "full")
        return write(file, line[:-10])

    kept.put("a", Answer("糖尿病"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(SuwenError, match="S105"):
            kept.put("b", Answer("高血压"))
    kept.put("c", Answer("肥胖"))
    kept.close()
    again = Answers(tmp_path / "cache.jsonl")
    assert [again.get(key) for key in "abc"] == [Answer("糖尿病"), None, Answer("肥胖")]
    again.close()


def test_preannotate_leaves_a_cache_to_the_process_that_has_it(tmp_path: Path, texts: Path) -> None:
    cache = tmp_path / "cache.jsonl"
    kept = Answers(cache)
    with serving(marking(TERMS)) as stub, pytest.raises(SuwenError, match="S125"):
        preannotate([texts], tmp_path / "out.jsonl", quick(stub.url), Prompt(LCDD), cache=cache)
    kept.close()
    Answers(cache).close()


def test_preannotate_refuses_a_cache_that_is_the_output(tmp_path: Path, texts: Path) -> None:
    out = tmp_path / "out.jsonl"
    with pytest.raises(SuwenError, match="S406"):
        preannotate([texts], out, quick("http://127.0.0.1:9/v1"), Prompt(LCDD), cache=tmp_path / "." / "out.jsonl")
    assert not out.exists()


def test_preannotate_resumes_with_a_cache(tmp_path: Path, texts: Path) -> None:
    out, cache = tmp_path / "out.jsonl", tmp_path / "cache.jsonl"
    good = marking(TERMS)
    with serving(lambda number, body: good(number, body) if number == 0 else 401) as stub:
        options: Any = {"cache": cache, "parallel": 1}
        for resume in (False, True, True):
            with pytest.raises(SuwenError, match="S904"):
                preannotate([texts], out, quick(stub.url), Prompt(LCDD), resume=resume, **options)
        stub.reply = good
        preannotate([texts], out, quick(stub.url), Prompt(LCDD), resume=True, **options)
    assert len(stub.bodies) == 5
    assert mentions(out) == ALL
    assert not (tmp_path / "out.jsonl.preannotation").exists()


def test_preannotate_continues_when_the_first_text_is_refused(tmp_path: Path, texts: Path) -> None:
    out, good = tmp_path / "out.jsonl", marking(TERMS)

    def reply(number: int, body: dict[str, Any]) -> Any:
        return 400 if "血压" in body["messages"][-1]["content"] else good(number, body)

    with serving(reply) as stub:
        for resume in (False, True):
            report = preannotate([texts], out, quick(stub.url), Prompt(LCDD), parallel=1, resume=resume)
            assert +report.refused_sentences == {"no answer": 4}
            assert mentions(out) == [[], ALL[1]]
            out.unlink()


@pytest.mark.parametrize("count", [1, 40])
def test_preannotate_reports_that_the_endpoint_refuses_everything(tmp_path: Path, count: int) -> None:
    lines = [{"id": f"{i}", "text": f"第{i}例。"} for i in range(count)]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    with serving(lambda number, body: 422) as stub, pytest.raises(SuwenError, match=r"S904.*--model"):
        preannotate([tmp_path / "in.jsonl"], tmp_path / "o.jsonl", quick(stub.url), Prompt(LCDD), parallel=2)
    assert len(stub.bodies) < 10
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


@pytest.mark.parametrize("setting", ["model=x", "messages=[]", "stream=true", "temperature=nan", "seed=2026-11-29"])
def test_preannotate_refuses_parameters_that_a_request_cannot_hold(
    tmp_path: Path, texts: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], setting: str
) -> None:
    command = ["preannotate", texts, "-o", tmp_path / "o.jsonl", "--endpoint", "http://127.0.0.1:9/v1", "--model", "m"]
    assert run(monkeypatch, *command, "--set", setting) == 2
    assert capsys.readouterr().err.startswith(f"S402 invalid value for {setting.partition('=')[0]!r}")


def test_preannotate_sends_nested_parameters(tmp_path: Path, texts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(marking(TERMS)) as stub:
        command = ["preannotate", texts, "-o", tmp_path / "o.jsonl", "--endpoint", stub.url, "--model", "m"]
        assert run(monkeypatch, *command, "--set", "chat_template_kwargs.enable_thinking=false") == 0
    assert stub.bodies[0]["chat_template_kwargs"] == {"enable_thinking": False}


@pytest.mark.parametrize("prices", ["1", "a,b", "-1,2", "nan,1", "1,inf"])
def test_preannotate_refuses_prices_that_are_none(
    tmp_path: Path, texts: Path, monkeypatch: pytest.MonkeyPatch, prices: str
) -> None:
    command = ["preannotate", texts, "-o", tmp_path / "o.jsonl", "--endpoint", "http://127.0.0.1:9/v1", "--model", "m"]
    assert run(monkeypatch, *command, f"--prices={prices}") == 2
