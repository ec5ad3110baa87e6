"""Tool → suwen → tool: what an annotation tool exported comes back as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tool_records import brat_files, doccano_records, label_studio_tasks

from suwen.formats import FORMATS, read_corpus, write_corpus


def round_trip(folder: Path, name: str, content: str) -> str:
    (folder / "in").write_bytes(content.encode())
    write_corpus(FORMATS[name].read(folder / "in"), folder / "out", name)
    return (folder / "out").read_bytes().decode()


def check_label_studio(tmp_path_factory: pytest.TempPathFactory, tasks: list[dict[str, Any]]) -> None:
    for number, task in enumerate(tasks):
        task["id"] = number
    content = json.dumps(tasks, ensure_ascii=False)
    assert json.loads(round_trip(tmp_path_factory.mktemp("tool"), "label_studio", content)) == tasks


def check_doccano(tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any]]) -> None:
    for number, record in enumerate(records):
        record["id"] = number
    content = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    back = round_trip(tmp_path_factory.mktemp("tool"), "doccano", content)
    assert [json.loads(line) for line in back.split("\n")[:-1]] == records


def check_brat(tmp_path_factory: pytest.TempPathFactory, files: tuple[str, str]) -> None:
    folder = tmp_path_factory.mktemp("tool")
    (folder / "in").mkdir()
    for ending, content in zip((".txt", ".ann"), files, strict=True):
        (folder / "in" / f"a{ending}").write_bytes(content.encode())
    write_corpus(read_corpus(folder / "in", "brat"), folder / "out", "brat")
    assert tuple((folder / "out" / f"a{ending}").read_bytes().decode() for ending in (".txt", ".ann")) == files


CHECKS: dict[str, tuple[Callable[..., None], st.SearchStrategy[Any]]] = {
    "label_studio": (check_label_studio, st.lists(label_studio_tasks(), min_size=1, max_size=2)),
    "doccano": (check_doccano, st.lists(doccano_records(), min_size=1, max_size=2)),
    "brat": (check_brat, brat_files()),
}


def run(name: str, factory: pytest.TempPathFactory, examples: int) -> None:
    check, records = CHECKS[name]

    @given(records)
    @settings(max_examples=examples, deadline=None, database=None)
    def checked(case: Any) -> None:
        check(factory, case)

    checked()


@pytest.mark.parametrize("name", CHECKS)
def test_tool_round_trips_lose_nothing(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    run(name, tmp_path_factory, 50)


@pytest.mark.slow
@pytest.mark.parametrize("name", CHECKS)
def test_tool_round_trips_lose_nothing_in_many_documents(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    run(name, tmp_path_factory, 1000)
