from __future__ import annotations

import importlib.util
import random
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_abbreviations import marked

from suwen.concepts.assertion import AFFIRMED, assertions, with_assertions
from suwen.document import Attribute, Document, Entity

BENCHMARK = Path(__file__).parent.parent / "benchmarks" / "assertion.py"


def judged(text: str) -> list[tuple[str, str]]:
    document = marked(text)
    return [(found.value, document.text[slice(*found.cue)] if found.cue else "") for found in assertions(document)]


NEGATED = [
    ("患者无{Symptom:头晕}、{Symptom:恶心}，{Symptom:乏力}明显。", ["无", "无", ""]),
    ("否认{Disease:高血压}，{Disease:糖尿病}病史", ["否认", "否认"]),
    ("未发现{Disease:甲状腺结节}，但有{Symptom:突眼}。", ["未发现", ""]),
    ("{Symptom:口干}、{Symptom:多饮}均无。", ["无", "无"]),
    ("{Symptom:病理征}阴性，{Test:GAD抗体}阴性", ["阴性", ""]),
    ("{Drug:阿司匹林}禁用{Drug:二甲双胍}", ["", "禁用"]),
    ("未使用{Drug:胰岛素}的{Disease:2型糖尿病}患者", ["未使用", ""]),
    ("排除标准：(1){Disease:肝炎}；(2)用{Drug:华法林}。(3){Disease:肿瘤}。纳入{Disease:痛风}", ["排除标准"] * 3 + [""]),
    ("按排除标准选取{Disease:糖尿病}患者", [""]),
    ("没有一例未用{Drug:胰岛素}", [""]),
    ("{Drug:二甲双胍}无明显影响{Test:血压}", ["", ""]),
    ("未\n见{Symptom:蛋白\n尿}", ["未\n见"]),
    ("{Disease:非酒精性脂肪肝}不仅见于{Disease:肥胖}", ["", ""]),
    ("除{Disease:高血压}外，无{Disease:冠心病}", ["", "无"]),
    (
        "{Symptom:无胸闷}、{Symptom:胸痛}，{Symptom:未闻\n及啰音}，{Symptom:不发热}。{Symptom:双肺未闻及啰音}",
        ["无", "无", "未闻\n及", "不", "未闻及"],
    ),
    ("{Disease:无症状性脑梗死}，{Symptom:无尿}，否认{Symptom:无痛性血尿}。{Level:无改善}", ["", "", "否认", ""]),
    ("{Symptom:无意识障碍}，{Disease:无痛风}，{Symptom:无光敏感}，{Disease:无颅内出血}", ["无"] * 4),
    ("{Symptom:无意识}，{Disease:无菌性脑膜炎}，{Disease:无症状性肝功能异常}", [""] * 3),
    ("缺乏{Drug:利格列汀}的证据；{Reason:维生素D}缺乏{Disease:佝偻病}", ["", "", ""]),
]
HYPOTHETICAL = [
    ("不能排除{Disease:1型糖尿病}", ["不能排除"]),
    ("若无{Disease:心力衰竭}，可用{Drug:吡格列酮}", ["若", ""]),
    ("考虑{Disease:痛风}，建议查{Test:血尿酸}", ["考虑", "建议"]),
    ("建议{Disease:糖尿病}患者复查{Test:HbA1c}", ["", "建议"]),
    ("增加{SideEff:低血糖}的风险", ["风险"]),
    ("{Disease:糖尿病}是{Disease:冠心病}的危险因素", ["", ""]),
    ("目的 探讨{Drug:利拉鲁肽}对{Test:体重}的影响。结果 {Test:体重}下降", ["探讨", "探讨", ""]),
    ("与{Disease:肥胖}的关系尚不清楚，{Disease:胆囊炎}病因不明确", ["不清楚", ""]),
    ("如出现{SideEff:低血糖}，口服{Drug:葡萄糖}；降糖药如{Drug:二甲双胍}", ["如", "", ""]),
    ("诊断：{Disease:冠心病}？", ["？"]),
    ("避免{SideEff:低血糖}，避免使用{Drug:格列本脲}", ["避免", "避免使用"]),
    ("主要是{Disease:肥胖}", [""]),
    ("{Disease:高血压}3级（极高危）；{Disease:高血压病}2级 高危组；{Disease:糖尿病}高危人群", ["", "", "高危"]),
]


@pytest.mark.parametrize(("text", "cues"), NEGATED)
def test_assertion_negated(text: str, cues: list[str]) -> None:
    assert judged(text) == [("negated" if cue else "affirmed", cue) for cue in cues]


@pytest.mark.parametrize(("text", "cues"), HYPOTHETICAL)
def test_assertion_hypothetical(text: str, cues: list[str]) -> None:
    negations = ("避免使用",)
    expected = ["affirmed" if not cue else "negated" if cue in negations else "hypothetical" for cue in cues]
    assert judged(text) == list(zip(expected, cues, strict=True))


def test_assertion_scores_the_open_cases() -> None:
    spec = importlib.util.spec_from_file_location("assertion", BENCHMARK)
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    for half in ("open", "inside-open"):
        figures = benchmark.score(benchmark.HALVES[half])
        assert figures["negated"] >= 0.95
        assert figures["hypothetical"] >= 0.95
        assert figures["cues"] >= 0.95


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from("无未见，。、但如可能排除标准:(1)者的A\n？")), st.randoms())
def test_assertion_takes_any_text_and_order(pieces: list[str], shuffled: random.Random) -> None:
    text = "".join(pieces)
    spans = [(start, start + shuffled.randint(1, 4)) for start in range(len(text)) if shuffled.random() < 0.3]
    entities = [Entity("Disease", start, end) for start, end in spans if end <= len(text)]
    found = assertions(Document("a", text, tuple(entities)))
    for assertion in found:
        assert (assertion == AFFIRMED) == (assertion.cue is None)
        assert assertion.cue is None or 0 <= assertion.cue[0] < assertion.cue[1] <= len(text)
    order = list(range(len(entities)))
    shuffled.shuffle(order)
    again = assertions(Document("a", text, tuple(entities[number] for number in order)))
    assert [again[order.index(number)] for number in range(len(order))] == list(found)


def test_assertion_takes_a_line_break_alone() -> None:
    assert len(assertions(Document("a", "\n无", (Entity("Disease", 0, 1),)))) == 1


def test_assertion_attributes_are_added_once_and_beside_others() -> None:
    document = marked("无{Symptom:头晕}，{Symptom:乏力}明显")
    kept = Attribute("A7", "Checked", "T9")
    entities = (replace(document.entities[0], id="T2"), document.entities[1])
    document = replace(document, entities=entities, attributes=(kept,))
    found = with_assertions(document)
    assert [entity.id for entity in found.entities] == ["T2", "T1"]
    added = Attribute("A1", "Assertion", "T2", "negated"), Attribute("A2", "Cue", "T2", "0-1")
    assert found.attributes == (kept, *added)


@pytest.mark.parametrize(("clause", "count"), [("无发热，可能咳嗽，", 500), ("无发热", 1_000)])
def test_assertion_takes_time_in_proportion_to_a_text_without_an_end(clause: str, count: int) -> None:
    def seconds(copies: int) -> float:
        text = clause * copies
        entities = tuple(Entity("Symptom", start + 1, start + 3) for start in range(0, len(text), len(clause)))
        started = time.process_time()
        found = assertions(Document("a", text, entities))
        assert {assertion.value for assertion in found} == {"negated"}
        return time.process_time() - started

    # Four times the text takes four times as long; sixteen times if every mention reads the whole text.
    assert seconds(4 * count) < 9 * seconds(count)
