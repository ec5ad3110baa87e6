from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from suwen.corpus.check import check_corpus
from suwen.formats import read_corpus, scan_corpus
from suwen.formats.offsets import place_of, places_of, way_that_fits

MENTION = "二甲双胍"
TEXTS = {
    "crlf": ("口服\n" + MENTION, 4),
    "lf": ("口服\r\n" + MENTION, 3),
    "utf-16": ("𠮷😀口服" + MENTION, 6),
    "utf-8": ("口服" + MENTION + "，每日三次，治疗糖尿病", 6),
    "no-bom": ("\ufeff口服" + MENTION, 2),
}
"""A text, and the offset of its mention as each way counts it."""


def pair(folder: Path, text: str, annotations: str, ending: str = ".txt .ann") -> Path:
    for suffix, content in zip(ending.split(), (text, annotations), strict=True):
        (folder / f"a{suffix}").write_bytes(content.encode())
    return folder


def size(way: str) -> int:
    return len(MENTION.encode()) if way == "utf-8" else len(MENTION)


@pytest.mark.parametrize("way", TEXTS)
def test_offsets_are_read_as_they_count(tmp_path: Path, way: str) -> None:
    text, start = TEXTS[way]
    folder = pair(tmp_path, text, f"T1\tDrug {start} {start + size(way)}\t{MENTION}\n")
    (document,) = read_corpus(folder, offsets=way)
    (entity,) = document.entities
    assert (document.text, document.mention(entity), entity.annotated) == (text, MENTION, None)


@pytest.mark.parametrize("way", TEXTS)
def test_offsets_of_another_kind_are_named(tmp_path: Path, way: str, caplog: pytest.LogCaptureFixture) -> None:
    text, start = TEXTS[way]
    folder = pair(tmp_path, text + "。" * 9, f"T1\tDrug {start} {start + size(way)}\t{MENTION}\n")
    with caplog.at_level(logging.WARNING):
        (document,) = read_corpus(folder)
    assert way_that_fits(document.entities[0], document.text) == way
    assert f"--offsets {way}" in caplog.text


def test_offsets_behind_the_text_stay_behind_it() -> None:
    places = places_of("😀口", "utf-16")
    assert places == [0, 0, 1, 2]
    assert [place_of(offset, places) for offset in (2, 3)] == [1, 2]
    assert place_of(4, places) > len("😀口")
    assert places_of("口", "text") is None


def test_offsets_of_mentions_over_lines_are_read(tmp_path: Path) -> None:
    folder = pair(tmp_path, "口服\r\n二甲双胍\r\n", "T1\tDrug 0 7\t口服 二甲双胍\n")
    (document,) = read_corpus(folder, offsets="lf")
    assert document.entities[0].annotated is None


@pytest.mark.parametrize("ending", [".TXT .ANN", ".txt .ANN", ".TXT .ann"])
def test_offsets_files_may_have_capital_extensions(tmp_path: Path, ending: str) -> None:
    folder = pair(tmp_path, "口服" + MENTION, f"T1\tDrug 2 6\t{MENTION}\n", ending)
    for path in (folder, *folder.iterdir()):
        (document,) = read_corpus(path)
        assert (document.id, [entity.key for entity in document.entities]) == ("a", [("Drug", 2, 6)])


def test_offsets_that_contradict_the_told_mention_are_kept_apart(tmp_path: Path) -> None:
    def read(**entity: Any) -> str | None:
        path = tmp_path / "a.jsonl"
        row = {"text": "😀口服二甲双胍，", "entities": [{"label": "Drug", **entity}]}
        path.write_text(json.dumps(row), encoding="utf-8")
        (located,) = scan_corpus(path, pytest.fail)
        annotated: str | None = located.document.entities[0].annotated
        return annotated

    assert read(start=4, end=8, text=MENTION) == MENTION
    assert read(start=3, end=7, text=MENTION) is None
    assert read(start=3, end=7, text="二甲 双胍", fragments=[[3, 5], [5, 7]]) is None


RARE = "𠮷某口服" + MENTION
RECORDS = {
    "doccano": [{"text": RARE, "label": [[5, 9, "Drug"]]}],
    "ccks": [{"originalText": RARE, "entities": [{"label_type": "Drug", "start_pos": 5, "end_pos": 9}]}],
    "label_studio": [
        {
            "data": {"text": RARE},
            "annotations": [{"result": [{"type": "labels", "value": {"start": 5, "end": 9, "labels": ["Drug"]}}]}],
        }
    ],
}
"""A record whose offsets count UTF-16, and which does not say the mention."""


@pytest.mark.parametrize("kind", RECORDS)
def test_offsets_without_mentions_are_remarked(tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.json"
    longer = json.dumps(RECORDS[kind], ensure_ascii=False).replace(MENTION, MENTION + "片")
    path.write_text(longer, encoding="utf-8")
    (wrong,) = read_corpus(path, kind)
    assert wrong.mention(wrong.entities[0]) == MENTION[1:] + "片"
    assert "1 document are not confirmed: emoji or rare hanzi" in caplog.text
    assert "--offsets utf-16" in caplog.text
    assert [finding.code for finding in check_corpus(path, kind).findings] == ["W216"]
    caplog.clear()
    (right,) = read_corpus(path, kind, offsets="utf-16")
    assert right.mention(right.entities[0]) == MENTION
    read_corpus(path, kind, offsets="text")
    path.write_text(longer.replace("𠮷", "吉吉"), encoding="utf-8")
    read_corpus(path, kind)
    assert not caplog.text


def test_offsets_that_mentions_confirm_are_not_remarked(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    told = json.dumps(RECORDS["label_studio"], ensure_ascii=False).replace('"end": 9', f'"end": 9, "text": "{MENTION}"')
    (tmp_path / "a.json").write_text(told, encoding="utf-8")
    (document,) = read_corpus(tmp_path / "a.json")
    assert document.mention(document.entities[0]) == MENTION
    assert not caplog.text
