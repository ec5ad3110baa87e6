from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_abbreviations import marked

from suwen.concepts.linking import ConceptLinker
from suwen.concepts.terminologies import AliasList, Term, Terminology
from suwen.document import Document

ICD = Terminology(
    "icd",
    (
        Term("E11.9", "2型糖尿病"),
        Term("E14.2", "糖尿病性肾病", ("糖尿病肾脏损害",)),
        Term("I25", "冠状动脉粥样硬化性心脏病"),
    ),
)
TEXTS = (
    "{Disease:2 型糖尿病}(T2DM)与{Disease:Ⅱ型糖尿病}，{Disease:T2DM}患者",
    "{Disease:糖尿病肾病}(DN)，{Disease:DN}",
    "{Disease:糖尿病神经病变}(DN)，{Reason:DN}，{Test:糖化血红蛋白}",
    "{Disease:代谢综合征}(MS)；{Disease:MS}",
    "{Disease:代谢综合症}(MS)；{Reason:MS}",
    "{Disease:代谢 综合征}(MS)",
    "{Disease:MS}与{Disease:DM}，{Test:HbA1c}，{Disease:冠心病}，{Disease:糖尿病肾脏损害}",
)


def library(texts: tuple[str, ...] = TEXTS) -> list[Document]:
    return [marked(text, str(number)) for number, text in enumerate(texts)]


@pytest.fixture(scope="module")
def linking():
    return ConceptLinker([ICD]).link(library())


def test_linking_gives_each_merge_a_reason_and_a_source(linking) -> None:
    found = {
        (document, link.surface): (link.key, link.reason, link.source)
        for document, links in linking.links.items()
        for link in links
    }
    assert found["0", "Ⅱ型糖尿病"] == ("2型糖尿病", "", "")
    assert found["0", "T2DM"] == ("2型糖尿病", "abbreviation", "document")
    assert found["1", "DN"] == ("糖尿病肾病", "abbreviation", "document")
    assert found["2", "DN"] == ("糖尿病神经病变", "abbreviation", "document")
    assert found["6", "MS"] == ("代谢综合征", "abbreviation", "library")
    assert found["6", "DM"] == ("dm", "", "")  # 糖尿病 or 皮肌炎
    assert found["6", "HbA1c"] == ("糖化血红蛋白", "abbreviation", "suwen")
    assert found["6", "冠心病"] == ("冠心病", "", "")
    # The synonym leads to the terminology's name, and from there to the name that suwen prefers.
    assert found["6", "糖尿病肾脏损害"] == ("糖尿病肾病", "terminology", "icd")


def test_linking_concepts_have_aliases_with_reasons(linking) -> None:
    concept = linking.concepts["Disease", "2型糖尿病"]
    assert [code.code for code in concept.codes] == ["E11.9"]
    reasons = {(alias.surface, alias.reason): alias.count for alias in concept.aliases}
    other = ({"2 型糖尿病", "Ⅱ型糖尿病"} - {concept.name}).pop()
    assert reasons == {(concept.name, "same"): 1, (other, "space"): 1, ("T2DM", "abbreviation"): 1}
    assert [code.code for code in linking.concepts["Disease", "糖尿病肾病"].codes] == ["E14.2"]


def test_linking_does_not_merge_what_is_merely_alike() -> None:
    linking = ConceptLinker().link(library(("{Test:总胆固醇}(TC)",) * 25 + ("{Test:总胆同醇}(TC)，{Test:TC}",)))
    assert ("Test", "总胆同醇") in linking.concepts
    links = linking.links["25"]
    assert [link.key for link in links] == ["总胆同醇", "总胆固醇"]
    assert linking.candidates("Test")["总胆同醇"][0].name == "总胆固醇"
    assert linking.candidates("Disease") == {}


def test_linking_circles_end_at_one_name() -> None:
    aliases = AliasList("own", (("甲", "乙", ""), ("乙", "甲", ""), ("冠心病", "冠状动脉粥样硬化性心脏病", "Disease")))
    text = "{Disease:甲}{Disease:乙}{Disease:冠心病}{Disease:冠状动脉粥样硬化性心脏病}{Test:冠状动脉粥样硬化性心脏病}"
    links = ConceptLinker([ICD], [aliases]).link_document(marked(text))
    user, suwen = "冠状动脉粥样硬化性心脏病", "冠心病"
    assert [link.key for link in links] == ["乙", "乙", user, user, suwen]
    assert [link.reason for link in links] == ["alias list", "", "alias list", "", "alias list"]
    assert [len(link.codes) for link in links] == [0, 0, 1, 1, 1]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(len(TEXTS))))
def test_linking_does_not_depend_on_the_order(order: list[int]) -> None:
    documents = library()
    linker = ConceptLinker([ICD])
    first = linker.link(documents)
    second = linker.link([documents[number] for number in order])
    assert first.concepts == second.concepts
    assert dict(first.links) == dict(second.links)


def test_linking_one_document_needs_only_the_tables() -> None:
    linker = ConceptLinker([ICD])
    whole = linker.link(library())
    documents = library()
    random.Random(0).shuffle(documents)
    for document in documents:
        assert linker.link_document(document, whole.agreed) == whole.links[document.id]


def test_linking_joins_pieces(tmp_path: Path) -> None:
    links = ConceptLinker().link_document(marked("{Disease:2 型糖\r\n尿病}"))
    assert links[0].key == "2型糖尿病"
