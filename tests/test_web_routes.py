"""The answers of the server: extraction, and everything about a graph."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from graph_documents import document, library
from web_server import Client, models, running

from suwen import Graph, read_corpus
from suwen.concepts.terminologies import Term, Terminology
from suwen.graph.keys import document_key
from suwen.web.answers import ExtractRequest
from suwen.web.extracting import Models
from suwen.web.problems import problem_of_file

LIBRARY = Path(__file__).parents[1] / "src/suwen/data/library"
TEXT = "口服二甲双胍0.5g治疗2型糖尿病，未见低血糖。😀阿司匹林"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("graphs") / "graph.db"
    Graph(path).add(read_corpus(LIBRARY))
    return path


@pytest.fixture(scope="module")
def client(path: Path) -> Iterator[Client]:
    with running(path) as client:
        yield client


def concept(client: Client, name: str) -> str:
    return str(client.post("/v1/search", {"query": name}).json["items"][0]["id"])


def edges(client: Client, name: str) -> list[dict[str, object]]:
    groups = client.get(f"/v1/concepts/{concept(client, name)}/neighbors").json["groups"]
    return [edge for group in groups for edge in group["edges"]]


def test_web_info_tells_what_there_is(client: Client, path: Path) -> None:
    found = client.get("/v1/info").json
    graph = Graph(path)
    assert found["graph"]["documents"] == graph.info().documents == 15
    assert found["graph"]["revision"] == graph.revision
    assert sum(found["graph"]["relations"].values()) == found["graph"]["edges"]
    assert sum(found["graph"]["types"].values()) == found["graph"]["concepts"]
    assert found["model"]["name"] == "suwen-mini"
    assert {kind["name"] for kind in found["schema"]["entities"]} == set(found["model"]["labels"])
    assert found["token_required"] is False
    assert found["limits"] == {"characters": 100_000, "file_bytes": 20 * 2**20}


def test_web_extract_equals_the_library(client: Client) -> None:
    found = client.post("/v1/extract", {"text": TEXT, "relations": True, "assertion": True}).json
    expected = models()._relations.relate(models()._entities(TEXT))
    assert [(one["label"], one["start"], one["end"]) for one in found["entities"]] == [
        one.key for one in expected.entities
    ]
    for one in found["entities"]:
        assert one["text"] == TEXT[one["start"] : one["end"]]
    assert [(one["type"], one["head"], one["tail"]) for one in found["relations"]] == [
        (one.label, one.head, one.tail) for one in expected.relations
    ]
    assert all(one["assertion"]["polarity"] in ("affirmed", "negated", "hypothetical") for one in found["entities"])
    plain = client.post("/v1/extract", {"text": TEXT}).json
    assert plain["relations"] == []
    assert plain["entities"][0]["assertion"] is None
    assert client.post("/v1/extract", {"text": ""}).json["entities"] == []


def test_web_extract_adds_the_codes_of_a_terminology(client: Client) -> None:
    served = Models(codes=Terminology("icd", (Term("E11.9", "2型糖尿病", ("T2DM",)),)))
    text = "二甲双胍治疗2型糖尿病，T2DM患者出现恶心。"
    found = served.extract(ExtractRequest(text=text, relations=True))
    said = {one.text: (one.code, one.code_match) for one in found.entities}
    assert said["2型糖尿病"] == ("E11.9", "exact")
    assert said["T2DM"] == ("E11.9", "alias")
    assert said["二甲双胍"] == (None, "none")
    plain = client.post("/v1/extract", {"text": text}).json
    assert {(one["code"], one["code_match"]) for one in plain["entities"]} == {(None, None)}


def test_web_relate_takes_given_entities(client: Client) -> None:
    given = [{"label": "Drug", "start": 2, "end": 6}, {"label": "Disease", "start": 12, "end": 17}]
    found = client.post("/v1/relate", {"text": TEXT, "entities": given}).json
    assert [one["text"] for one in found["entities"]] == ["二甲双胍", "2型糖尿病"]
    assert [one["type"] for one in found["relations"]] == ["Drug_Disease"]
    assert client.post("/v1/relate", {"text": TEXT, "entities": []}).json["relations"] == []
    for start, end in ((5, 5), (6, 2), (0, len(TEXT) + 1)):
        entities = [{"label": "Drug", "start": start, "end": end}]
        assert client.post("/v1/relate", {"text": TEXT, "entities": entities}).code == "S822"
    crowd = [{"label": "Drug", "start": 0, "end": 1}] * 500
    assert client.post("/v1/relate", {"text": TEXT, "entities": crowd}).code == "S822"


@pytest.mark.parametrize(
    ("kind", "name", "data"),
    [
        ("text/plain; charset=utf-8", "病历 一.txt", "口服二甲双胍。".encode()),
        ("text/plain", "gbk.txt", "口服二甲双胍治疗糖尿病，患者血糖控制良好。".encode("gb18030")),
        ("text/html", "a.html", f"<!doctype html><title>题</title><p>{'口服二甲双胍治疗糖尿病。' * 20}</p>".encode()),
        ("application/xml", "a.xml", "<article><body><p>口服二甲双胍。</p></body></article>".encode()),
    ],
)
def test_web_extract_file_reads_each_format(client: Client, kind: str, name: str, data: bytes) -> None:
    headers = {"Content-Type": kind, "X-Suwen-Filename": quote(name), "X-Suwen-Options": "relations, assertion"}
    found = client.ask("POST", "/v1/extract/file", data, headers)
    assert found.status == 200, found.body
    (one,) = found.json["documents"]
    assert one["id"] == name
    assert "二甲双胍" in [entity["text"] for entity in one["entities"]]
    for entity in one["entities"]:
        assert one["text"][entity["start"] : entity["end"]] == entity["text"]
    assert one["entities"][0]["assertion"] is not None


@pytest.mark.parametrize(
    ("kind", "data", "status", "code"),
    [
        ("application/pdf", b"%PDF-1.4 nothing", 422, "S120"),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", b"PK\x03\x04", 422, "S120"),
        ("text/plain", b"", 422, "S106"),
        ("text/plain", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), 422, "S117"),
        ("image/png", b"x", 415, "S821"),
        ("application/json", b"{}", 415, "S821"),
    ],
)
def test_web_extract_file_refuses_with_a_code(client: Client, kind: str, data: bytes, status: int, code: str) -> None:
    found = client.ask("POST", "/v1/extract/file", data, {"Content-Type": kind, "X-Suwen-Filename": "a"})
    assert (found.status, found.code) == (status, code)


def test_web_extract_file_says_what_to_do_with_other_files() -> None:
    problem = problem_of_file("S130", {"kind": "RTF", "advice": "save it as .docx"})
    assert problem.detail == "this is RTF, which is not supported here; save it as .docx"


@pytest.mark.parametrize("name", ["", "%ff", "..", "a/", "%00", "%0a", "x" * 300])
def test_web_extract_file_needs_a_name(client: Client, name: str) -> None:
    headers = {"Content-Type": "text/plain", "X-Suwen-Filename": name}
    found = client.ask("POST", "/v1/extract/file", b"text", headers)
    if name == "..":
        assert found.json["documents"][0]["id"] == ".."
    else:
        assert (found.status, found.code) == (422, "S822")
    assert client.ask("POST", "/v1/extract/file", b"text", {"Content-Type": "text/plain"}).code == "S822"


def test_web_search_pages_hold_every_concept_once(client: Client, path: Path) -> None:
    expected = [one.id for one in Graph(path).search("病", limit=None)]
    found, cursor = [], None
    while True:
        page = client.post("/v1/search", {"query": "病", "limit": 3, "cursor": cursor}).json
        found += [one["id"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == expected
    assert len(found) > 3
    everything = [one.id for one in Graph(path).search("", limit=5)]
    assert [one["id"] for one in client.post("/v1/search", {"query": "", "limit": 5}).json["items"]] == everything
    assert {one["type"] for one in client.post("/v1/search", {"query": "病", "type": "Disease"}).json["items"]} == {
        "Disease"
    }
    assert client.post("/v1/search", {"query": "病", "type": "Nonsense"}).code == "S816"


def test_web_search_names_the_alias_that_matched(tmp_path: Path) -> None:
    Graph(tmp_path / "graph.db").add(library())
    with running(tmp_path / "graph.db") as client:
        by_alias = client.post("/v1/search", {"query": "Ⅱ型"}).json["items"]
        assert [(one["name"], one["matched"]) for one in by_alias if one["type"] == "Disease"] == [
            ("2型糖尿病", "Ⅱ型糖尿病")
        ] or by_alias[0]["matched"] is None
        (kidney,) = client.post("/v1/search", {"query": "dn"}).json["items"]
        assert (kidney["name"], kidney["matched"]) == ("糖尿病肾病", "DN")


def test_web_concept_card_and_neighbors_agree(client: Client) -> None:
    number = concept(client, "二甲双胍")
    card = client.get(f"/v1/concepts/{number}").json
    groups = client.get(f"/v1/concepts/{number}/neighbors").json["groups"]
    assert card["totals"] == [{name: group[name] for name in ("relation", "role", "total")} for group in groups]
    assert card["aliases"][0]["surface"] == "二甲双胍"
    for group in groups:
        for edge in group["edges"]:
            assert edge[group["role"]]["id"] == number
            assert client.get(f"/v1/edges/{edge['id']}/evidence").json["edge"] == edge


def test_web_neighbors_pages_hold_every_edge_once(client: Client) -> None:
    number = concept(client, "2型糖尿病")
    for query in ("", "&order=documents", "&order=confidence", "&since=2000", "&until=2030&order=documents"):
        for group in client.get(f"/v1/concepts/{number}/neighbors?limit=200{query}").json["groups"]:
            expected = [edge["id"] for edge in group["edges"]]
            assert len(expected) == group["total"]
            address = f"/v1/concepts/{number}/neighbors?limit=1{query}&role={group['role']}"
            address += f"&relation={quote(group['relation'])}"
            found, cursor = [], ""
            while cursor is not None:
                (page,) = client.get(address + cursor).json["groups"]
                found += [edge["id"] for edge in page["edges"]]
                assert page["total"] == group["total"]
                cursor = page["next"] and f"&cursor={page['next']}"
            assert found == expected


def test_web_cursor_of_another_question_is_refused(client: Client) -> None:
    number = concept(client, "2型糖尿病")
    groups = client.get(f"/v1/concepts/{number}/neighbors?limit=1").json["groups"]
    cursor = next(group["next"] for group in groups if group["next"])
    assert client.get(f"/v1/concepts/{number}/neighbors?cursor={cursor}").code == "S822"
    base = f"/v1/concepts/{number}/neighbors?relation=Test_Disease&role=tail"
    assert client.get(f"{base}&order=documents&cursor={cursor}").code == "S828"
    for broken in ("x", "W10", "bm90anNvbg", "%F0%9F%98%80", "W1tbW1tbXV1dXV0"):
        found = client.get(f"{base}&cursor={broken}")
        assert (found.status, found.code) == (400, "S828")


def test_web_evidence_is_exact_and_paged(client: Client) -> None:
    texts = {one.id: one.text for one in read_corpus(LIBRARY)}
    seen = 0
    for edge in edges(client, "二甲双胍"):
        found, cursor = [], ""
        while cursor is not None:
            page = client.get(f"/v1/edges/{edge['id']}/evidence?limit=1{cursor}").json
            found += page["items"]
            cursor = page["next"] and f"&cursor={page['next']}"
        assert found == client.get(f"/v1/edges/{edge['id']}/evidence").json["items"]
        for one in found:
            text = texts[one["document"]["key"]]
            assert text[one["start"] : one["end"]] == one["text"]
            assert text.startswith(one["before"], one["start"] - len(one["before"]))
            assert text.startswith(one["after"], one["end"])
            for side in ("head", "tail"):
                assert text[one[side]["start"] : one[side]["end"]] == one[side]["text"]
            seen += 1
    assert seen > 5


def test_web_evidence_can_be_dated(client: Client) -> None:
    edge = next(one for one in edges(client, "二甲双胍") if one["first_year"] != one["last_year"])
    address = f"/v1/edges/{edge['id']}/evidence"
    years = [one["document"]["year"] for one in client.get(address).json["items"]]
    late = client.get(f"{address}?since={edge['last_year']}").json["items"]
    early = client.get(f"{address}?until={edge['last_year'] - 1}").json["items"]
    assert sorted(one["document"]["year"] for one in (*late, *early)) == sorted(years)
    assert late
    assert early


def test_web_document_marks_its_mentions(client: Client) -> None:
    one = read_corpus(LIBRARY)[0]
    found = client.get(f"/v1/documents/{document_key(one.id)}").json
    assert (found["key"], found["text"]) == (one.id, one.text)
    assert {(m["type"], m["start"], m["end"]) for m in found["mentions"]} == {entity.key for entity in one.entities}
    mention = found["mentions"][0]
    assert client.get(f"/v1/concepts/{mention['concept']}").json["concept"]["name"] == mention["name"]


def test_web_path_leads_from_one_concept_to_the_other(client: Client) -> None:
    first, last = concept(client, "二甲双胍"), concept(client, "糖尿病肾病")
    found = client.post("/v1/paths", {"from": first, "to": last}).json["edges"]
    ends = [{edge["head"]["id"], edge["tail"]["id"]} for edge in found]
    assert first in ends[0]
    assert last in ends[-1]
    assert all(one & other for one, other in pairwise(ends))
    assert client.post("/v1/paths", {"from": first, "to": "0" * 16}).code == "S816"


def test_web_export_writes_what_is_shown(client: Client) -> None:
    shown = edges(client, "二甲双胍")
    numbers = [edge["id"] for edge in shown]
    table = client.post("/v1/export", {"format": "csv", "edges": numbers})
    assert table.headers["content-disposition"] == 'attachment; filename="suwen.csv"'
    assert table.body.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(table.body.decode("utf-8-sig"))))
    assert [row["head"] for row in rows] == [edge["head"]["name"] for edge in shown]
    elements = json.loads(client.post("/v1/export", {"format": "json", "edges": numbers}).body)["elements"]
    assert [edge["data"]["id"] for edge in elements["edges"]] == numbers
    assert {one["data"]["source"] for one in elements["edges"]} <= {one["data"]["id"] for one in elements["nodes"]}
    tree = ElementTree.fromstring(client.post("/v1/export", {"format": "graphml", "edges": numbers}).body)
    assert len(tree.findall(".//{*}edge")) == len(numbers)
    lines = client.post("/v1/export", {"format": "tsv", "edge": numbers[0]}).body.decode("utf-8-sig").splitlines()
    assert len(lines) == 1 + len(client.get(f"/v1/edges/{numbers[0]}/evidence").json["items"])
    assert len({line.count("\t") for line in lines}) == 1
    for asked in ({"format": "tsv"}, {"format": "csv", "edge": numbers[0]}, {"format": "xls"}):
        assert client.post("/v1/export", asked).code == "S822"
    assert client.post("/v1/export", {"format": "csv", "edges": ["0" * 48]}).code == "S816"


def test_web_export_has_no_formula_and_no_broken_line(tmp_path: Path) -> None:
    one = document(
        "=1+1",
        "=二甲双胍\t治疗\r\n糖尿病",
        [("Drug", "=二甲双胍"), ("Disease", "糖尿病")],
        [("Drug_Disease", 0, 1, None)],
    )
    Graph(tmp_path / "graph.db").add([one])
    with running(tmp_path / "graph.db") as client:
        (edge,) = edges(client, "二甲双胍")
        for asked in ({"format": "csv", "edges": [edge["id"]]}, {"format": "tsv", "edge": edge["id"]}):
            lines = client.post("/v1/export", asked).body.decode("utf-8-sig").splitlines()
            assert len(lines) == 2
            cells = [
                cell for row in csv.reader(lines, delimiter="," if asked["format"] == "csv" else "\t") for cell in row
            ]
            assert not any(cell.startswith("=") for cell in cells)
            assert any(cell.startswith("'=") for cell in cells)


def test_web_verdict_changes_its_edge_alone(tmp_path: Path) -> None:
    path = tmp_path / "graph.db"
    Graph(path).add(library())
    with running(path) as client:
        edge = next(one for one in edges(client, "二甲双胍") if one["relation"] == "Drug_Disease")
        page = client.get(f"/v1/edges/{edge['id']}/evidence?limit=1").json
        evidence = page["items"][0]["id"]
        asked = {"evidence": evidence, "verdict": "reject", "kind": "relation", "note": "不对"}
        assert client.post("/v1/verdicts", asked).json["edge"]["rejected"] == 1
        # A verdict does not make a cursor invalid.
        following = client.get(f"/v1/edges/{edge['id']}/evidence?limit=1&cursor={page['next']}").json
        assert following["edge"]["rejected"] == 1
        assert len(following["items"]) == 1
        verdict = client.get(f"/v1/edges/{edge['id']}/evidence?limit=1").json["items"][0]["verdict"]
        assert (verdict["value"], verdict["kind"], verdict["note"]) == ("reject", "relation", "不对")
        number = edge["head"]["id"]
        address = f"/v1/concepts/{number}/neighbors?reviewed="
        assert [one["id"] for g in client.get(address + "rejected").json["groups"] for one in g["edges"]] == [
            edge["id"]
        ]
        assert client.get(address + "accepted").json["groups"] == []
        assert client.post("/v1/verdicts", {"evidence": evidence, "verdict": "accept"}).json["edge"]["accepted"] == 1
        assert [g["total"] for g in client.get(address + "accepted").json["groups"]] == [1]
        assert client.post("/v1/verdicts", {"evidence": evidence, "verdict": None}).json["edge"] == edge
        assert client.post("/v1/verdicts", {"evidence": "0" * 16, "verdict": None}).code == "S816"
        wrong = {"evidence": evidence, "verdict": "reject", "kind": "nonsense"}
        assert client.post("/v1/verdicts", wrong).code == "S822"


def test_web_etag_changes_with_the_graph_alone(tmp_path: Path) -> None:
    path = tmp_path / "graph.db"
    Graph(path).add(library())
    with running(path) as client:
        (edge, *_) = edges(client, "二甲双胍")
        addresses = (f"/v1/concepts/{edge['head']['id']}", f"/v1/edges/{edge['id']}/evidence")
        tags = [client.get(address).headers["etag"] for address in addresses]
        for address, tag in zip(addresses, tags, strict=True):
            again = client.get(address, If_None_Match=tag)
            assert (again.status, again.body) == (304, b"")
        evidence = client.get(addresses[1]).json["items"][0]["id"]
        client.post("/v1/verdicts", {"evidence": evidence, "verdict": "accept"})
        for address, tag in zip(addresses, tags, strict=True):
            assert client.get(address, If_None_Match=tag).status == 200


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("/v1/concepts/0000000000000000", "S816"),
        ("/v1/concepts/0000000000000000/neighbors", "S816"),
        (f"/v1/edges/{'0' * 48}/evidence", "S816"),
        ("/v1/documents/0000000000000000", "S816"),
        ("/v1/concepts/../../etc/passwd", "S815"),
        ("/v1/concepts/%2e%2e%2f%2e%2e", "S815"),
        ("/v1/concepts/DROP", "S822"),
        ("/static/%2e%2e/guard.py", "S815"),
        ("/static/../guard.py", "S815"),
        ("/static/", "S815"),
        ("/docs", "S815"),
        ("/v1/concepts/0000000000000000/neighbors?limit=100000", "S822"),
        ("/v1/concepts/0000000000000000/neighbors?confidence=nan", "S822"),
        ("/v1/concepts/0000000000000000/neighbors?since=1", "S822"),
        ("/v1/concepts/0000000000000000/neighbors?since=99999999999999999999", "S822"),
        ("/v1/concepts/0000000000000000/neighbors?order=%F0%9F%98%80", "S822"),
    ],
)
def test_web_get_refuses_with_a_code(client: Client, address: str, code: str) -> None:
    found = client.get(address)
    assert found.code == code
    assert found.status in (404, 422)


def test_web_without_a_graph_extracts_still() -> None:
    with running(None) as client:
        assert client.get("/v1/info").json["graph"] is None
        assert client.post("/v1/extract", {"text": TEXT}).json["entities"]
        assert client.get("/readyz").status == 200
        for found in (
            client.post("/v1/search", {"query": "病"}),
            client.get("/v1/concepts/0000000000000000"),
            client.post("/v1/verdicts", {"evidence": "0" * 16, "verdict": None}),
        ):
            assert (found.status, found.code) == (503, "S825")


def test_web_texts_of_the_graph_survive_as_they_are(tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>\x00😀"
    one = document(
        "a/b?c#<script>",
        f"{name}治疗\u202e糖尿病",
        [("Drug", name), ("Disease", "糖尿病")],
        [("Drug_Disease", 0, 1, None)],
    )
    Graph(tmp_path / "graph.db").add([one])
    with running(tmp_path / "graph.db") as client:
        (edge,) = edges(client, "糖尿病")
        assert edge["head"]["name"] == name
        (item,) = client.get(f"/v1/edges/{edge['id']}/evidence").json["items"]
        assert item["document"]["key"] == one.id
        assert client.get(f"/v1/documents/{item['document']['id']}").json["text"] == one.text
