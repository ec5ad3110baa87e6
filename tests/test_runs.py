from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from suwen.cli import is_resumable
from suwen.errors import SuwenError
from suwen.files import holding, write_json
from suwen.runs import RECORD, check_work, open_work, require_same, whole_lines


def test_runs_takes_back_a_line_that_was_cut_in_two(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    assert list(whole_lines(journal)) == []
    journal.write_bytes(b"1\n22\n33")
    assert list(whole_lines(journal)) == [b"1\n", b"22\n"]
    assert journal.read_bytes() == b"1\n22\n"
    assert list(whole_lines(journal)) == [b"1\n", b"22\n"]


def test_runs_continues_with_the_same_run_alone(tmp_path: Path) -> None:
    work = tmp_path / "out.extraction"
    check_work(work, False)
    with pytest.raises(SuwenError, match="S507"):
        check_work(work, True)
    write_json(work / RECORD, {"model": "a", "option": {"--to": "brat", "--from": None}})
    with pytest.raises(SuwenError, match="S511"):
        check_work(work, False)
    require_same(work, {"model": "a", "option": {"--to": "brat", "--from": None}})
    with pytest.raises(SuwenError, match=r"S508 .*differs in option \(--from\)"):
        require_same(work, {"model": "a", "option": {"--to": "brat", "--from": "text"}})


def test_files_holding_a_folder_keeps_others_out(tmp_path: Path) -> None:
    with holding(tmp_path), pytest.raises(SuwenError, match="S125"), holding(tmp_path):
        pass
    with holding(tmp_path):
        pass


def test_errors_reach_another_process_as_they_are() -> None:
    error = SuwenError("S120", "a.pdf", 3, kind="PDF", reason=ValueError("broken"))
    received = pickle.loads(pickle.dumps(error))
    assert (str(received), received.code, received.path, received.line) == (
        str(error), "S120", Path("a.pdf"), 3
    )  # fmt: skip


def test_cli_reports_what_can_be_resumed() -> None:
    assert is_resumable(["extract", "a.txt", "-o", "out.jsonl"])
    assert not is_resumable(["extract", "-", "-o", "out.jsonl"])
    assert not is_resumable(["evaluate", "model"])
    assert not is_resumable([])


def test_runs_of_another_release_are_not_gone_on_with(tmp_path: Path) -> None:
    work = tmp_path / "model.training"
    open_work(work, {"model": "a"}, False)
    open_work(work, {"model": "a"}, True)
    for stored in ({"model": "a"}, {"release of suwen": "0.0.9", "model": "b"}):
        write_json(work / RECORD, stored)
        with pytest.raises(SuwenError, match=r"S508 .*differs in release of suwen;"):
            open_work(work, {"model": "a"}, True)
