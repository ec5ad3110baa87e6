from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from suwen.corpus.split import whole
from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.evaluation.analysis import Analysis, analyze
from suwen.evaluation.report import SHOWN, write_error_page
from suwen.evaluation.strict import Pair, pair_documents
from suwen.schema import LCDD

TEXT = "患者因2型糖尿病口服二甲双胍,出现轻度腹泻,空腹血糖明\n显下降,足部麻木。"
GOLD = (
    Entity("Disease", 3, 8),
    Entity("Method", 8, 10),
    Entity("Drug", 10, 14),
    Entity("SideEff", 19, 21),
    Entity("Test", 22, 26),
    Entity("Symptom", 32, 36),
)
PREDICTED = (
    Entity("Disease", 5, 8, score=0.6),  # boundary
    Entity("Method", 8, 10, score=0.9),  # right
    Entity("Treatment", 10, 14, score=0.5),  # type
    Entity("Symptom", 17, 21, score=0.4),  # boundary and type
    Entity("Level", 26, 30, ((26, 27), (28, 30)), score=0.3),  # spurious
)


class Balanced(HTMLParser):
    """Checks that the tags balance and gathers the errors as text, with the names that the style adds to mentions."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, str]] = []
        self.cases: list[str] = []
        self.feed(source)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"meta", "input"}:
            return
        self.open.append((tag, dict(attrs).get("data-type") or ""))
        if tag == "li":
            self.cases.append("")
        elif tag == "mark" and self.cases:
            self.cases[-1] += "["

    def handle_endtag(self, tag: str) -> None:
        opened, name = self.open.pop()
        assert opened == tag
        if tag == "mark" and self.cases:
            self.cases[-1] += f"|{name}]"

    def handle_data(self, data: str) -> None:
        if any(tag == "li" for tag, _ in self.open):
            self.cases[-1] += data


def analyzed(*documents: tuple[Document, Document]) -> tuple[Analysis, list[Pair]]:
    pairs = pair_documents(whole([gold for gold, _ in documents]), [predicted for _, predicted in documents])
    return analyze(pairs, {"二甲双胍": {"Drug"}}), pairs


def written(path: Path, analysis: Analysis, pairs: list[Pair], title: str = "错误") -> str:
    write_error_page(path, analysis, pairs, LCDD, title)
    return path.read_bytes().decode()


def text_of(source: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", source.split("</style>")[1]))


@pytest.fixture
def sample() -> tuple[Analysis, list[Pair]]:
    return analyzed((Document("第一篇", TEXT, GOLD), Document("第一篇", TEXT, PREDICTED)))


def test_report_shows_each_error_in_its_text(tmp_path: Path, sample: tuple[Analysis, list[Pair]]) -> None:
    cases = Balanced(written(tmp_path / "errors.html", *sample)).cases
    expected = [
        "…因2型糖尿病口服二甲双胍,出现轻度腹泻,空腹血糖明显下降,[足部麻木|标注 临床表现]。",
        "患者因2型糖尿病口服二甲双胍,出现轻度腹泻,[空腹血糖|标注 检查方法]明显下降,足部麻木。",
        "患者因2型糖尿病口服二甲双胍,出现轻度腹泻,空腹血糖[明显下|预测 程度]降,足部麻木。",
        "患者因[2型[糖尿病|预测 疾病]|标注 疾病]口服二甲双胍,出现轻度腹泻,空腹血糖明显下降,足部麻木。",
        "患者因2型糖尿病口服[[二甲双胍|预测 非药物治疗]|标注 药品],出现轻度腹泻,空腹血糖明显下降,足部麻木。",
        "患者因2型糖尿病口服二甲双胍,出现[轻度[腹泻|标注 不良反应]|预测 临床表现],空腹血糖明显下降,足部麻木。",
    ]
    assert [re.sub("第一篇.*", "", case) for case in cases] == expected


def test_report_shows_where_an_error_is_and_whether_the_mention_was_seen(
    tmp_path: Path, sample: tuple[Analysis, list[Pair]]
) -> None:
    cases = Balanced(written(tmp_path / "errors.html", *sample)).cases
    assert cases[4].endswith("第一篇 · gold [10, 14) · predicted [10, 14) · 训练中见过此类型 seen with this type")
    assert cases[1].endswith("第一篇 · gold [22, 26) · 训练中未见此类型 not seen with this type")


def test_report_shows_every_view_by_name(tmp_path: Path, sample: tuple[Analysis, list[Pair]]) -> None:
    text = text_of(written(tmp_path / "errors.html", *sample))
    assert "严格：类型与起止都相同 Strict: same type and span 20.0 16.7 18.2 1 6 5" in text
    assert "Overlap: same type, a common character 40.0 33.3 36.4 2 6 5" in text
    assert "Type-blind: same span 40.0 33.3 36.4 2 6 5" in text
    for name in ("Token: BIO tags without O", "Tag accuracy with O", "Strict: mean of the types", "unseen in training"):
        assert name in text


def test_report_shows_the_confusion_of_types(tmp_path: Path, sample: tuple[Analysis, list[Pair]]) -> None:
    source = written(tmp_path / "errors.html", *sample)
    confusion = re.search(r'<table class="confusion">.*?</table>', source, re.DOTALL)
    assert confusion
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", confusion[0])
    assert sum(int(cell) for cell in cells if cell) == sum(sample[0].confusion.values())


def test_report_counts_the_errors_that_it_shows(tmp_path: Path) -> None:
    repeated = "二甲双胍;" * 1234
    gold = Document("长", repeated, tuple(Entity("Drug", at, at + 4) for at in range(0, len(repeated), 5)))
    source = written(tmp_path / "errors.html", *analyzed((gold, Document("长", repeated))))
    assert len(Balanced(source).cases) == SHOWN
    assert "显示 50 / 1,234 showing 50 of 1,234" in text_of(source)
    assert f"gold [{5 * (49 * 1234 // 50)}," in source, "the errors shown are spread over the text"


def test_report_is_inert(tmp_path: Path) -> None:
    attack = "</style><script>alert(1)</script>\"'&\0\u202e"
    gold = Document(attack, attack, (Entity(attack, 0, 8),))
    source = written(tmp_path / "errors.html", *analyzed((gold, Document(attack, attack))), title=attack)
    Balanced(source)
    assert "<script" not in source
    assert "\0" not in source
    assert "\u202e" not in source


def test_report_of_a_faultless_prediction(tmp_path: Path) -> None:
    document = Document("第一篇", TEXT, GOLD)
    source = written(tmp_path / "errors.html", *analyzed((document, document)))
    assert Balanced(source).cases == []
    assert "没有错误" in source


def test_report_of_nothing(tmp_path: Path) -> None:
    assert Balanced(written(tmp_path / "errors.html", *analyzed())).cases == []


def test_report_is_written_alike_each_time(tmp_path: Path, sample: tuple[Analysis, list[Pair]]) -> None:
    assert written(tmp_path / "a.html", *sample) == written(tmp_path / "b.html", *sample)


def test_report_cannot_be_written_below_a_file(tmp_path: Path, sample: tuple[Analysis, list[Pair]]) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SuwenError):
        write_error_page(tmp_path / "file" / "errors.html", *sample, LCDD, "错误")
