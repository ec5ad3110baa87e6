"""The sample corpus holds what its README promises, and every annotation fits its text."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

import suwen
from suwen.formats import read_corpus
from suwen.schema import LCDD

DATA = Path(suwen.__file__).parent / "data"
SAMPLE = DATA / "sample"
NAMES = sorted(path.stem for path in SAMPLE.glob("*.txt"))
ENTITY = re.compile(r"T\d+\t(\w+) (\d+ \d+(?:;\d+ \d+)*)\t(.+)")
RELATION = re.compile(r"R\d+\t([\w-]+) Arg1:(T\d+) Arg2:(T\d+)")


@dataclass(frozen=True)
class Mention:
    label: str
    pieces: tuple[tuple[int, int], ...]
    text: str

    @property
    def hull(self) -> tuple[int, int]:
        return self.pieces[0][0], self.pieces[-1][1]


# The files are parsed here, so that an error in suwen's own reader cannot hide an error in the data.
def lines(name: str) -> list[str]:
    return (SAMPLE / f"{name}.ann").read_bytes().decode().removesuffix("\n").split("\n")


def text_of(name: str) -> str:
    return (SAMPLE / f"{name}.txt").read_bytes().decode()


def mentions_of(name: str) -> dict[str, Mention]:
    mentions = {}
    for line in lines(name):
        if line.startswith("T"):
            found = ENTITY.fullmatch(line)
            assert found, line
            pieces = tuple((int(start), int(end)) for start, end in (p.split(" ") for p in found[2].split(";")))
            mentions[line.split("\t")[0]] = Mention(found[1], pieces, found[3])
    return mentions


def nested_in(mentions: list[Mention]) -> int:
    hulls = [mention.hull for mention in mentions]
    return sum(a != b and b[0] <= a[0] and a[1] <= b[1] for a in hulls for b in hulls)


def test_sample_keeps_the_promised_counts() -> None:
    every = [list(mentions_of(name).values()) for name in NAMES]
    mentions = [mention for of_one in every for mention in of_one]
    labels = Counter(mention.label for mention in mentions)
    kinds = {line.split("\t")[1].split(" ")[0] for name in NAMES for line in lines(name) if line.startswith("R")}
    assert kinds == {kind.name for kind in LCDD.relations}
    assert len(NAMES) >= 48
    assert len({name.split("_")[0] for name in NAMES}) >= 8
    assert len(mentions) >= 900
    assert set(labels) == set(LCDD.labels)
    assert min(labels.values()) >= 20
    assert sum(len(mention.pieces) > 1 for mention in mentions) >= 40
    assert sum(nested_in(of_one) for of_one in every) >= 20


def test_sample_readme_states_the_true_counts() -> None:
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    stated = {label: int(count) for label, count in re.findall(r"\| `(\w+)` \|[^|]*\| (\d+) \|", readme)}
    labels = Counter(mention.label for name in NAMES for mention in mentions_of(name).values())
    assert stated == dict(labels)
    assert f"{len(NAMES)} passages" in readme
    assert f"{labels.total():,} entities" in readme


@pytest.mark.parametrize("name", NAMES)
def test_sample_mentions_equal_their_slices(name: str) -> None:
    text = text_of(name)
    for mention in mentions_of(name).values():
        ends = 0
        for start, end in mention.pieces:
            assert ends <= start < end <= len(text)
            assert "\n" not in text[start:end]
            ends = end
        assert " ".join(text[start:end] for start, end in mention.pieces) == mention.text
        assert mention.text == mention.text.strip()


@pytest.mark.parametrize("name", NAMES)
def test_sample_lines_refer_to_what_is_there(name: str) -> None:
    mentions = mentions_of(name)
    for line in lines(name):
        assert line[0] in "TRA#"
        if line.startswith("R"):
            found = RELATION.fullmatch(line)
            assert found, line
            kind = next(kind for kind in LCDD.relations if kind.name == found[1])
            assert (mentions[found[2]].label, mentions[found[3]].label) == (kind.head, kind.tail)
        elif line[0] in "A#":
            assert line.split("\t")[1].split(" ")[1] in mentions


def test_sample_has_no_annotation_twice() -> None:
    for name in NAMES:
        keys = [(mention.label, mention.hull) for mention in mentions_of(name).values()]
        assert len(keys) == len(set(keys)), name


def test_sample_looks_like_extracted_text() -> None:
    text = "".join(text_of(name) for name in NAMES)
    assert "\r" not in text
    assert "\ufeff" not in text
    latin = ("HbA1c", "BMI", "FPG", "2hPG", "TCF7L2", "GLP-1")
    for trait in (*latin, "μmol/L", "kg/m2", "mg/d", "β 细胞", "α 糖苷酶抑制剂", "γ", "Ⅱ", "℃", "±", "％", "%"):
        assert trait in text, trait
    for name in NAMES:
        assert 250 <= len(text_of(name)) <= 900, name
        assert max(map(len, text_of(name).split("\n"))) <= 46, name


def test_sample_article_is_plain_wrapped_text() -> None:
    articles = list((DATA / "article").iterdir())
    assert [path.suffix for path in articles] == [".txt"]
    text = articles[0].read_bytes().decode()
    assert 1800 <= len(text) <= 3000
    assert max(map(len, text.split("\n"))) <= 46


def test_sample_is_read_as_a_corpus() -> None:
    documents = read_corpus(SAMPLE, schema=LCDD)
    assert [document.id for document in documents] == NAMES
    assert sum(len(document.entities) for document in documents) == sum(len(mentions_of(name)) for name in NAMES)
    assert not any(entity.annotated for document in documents for entity in document.entities)
