"""THULAC's words from its model files: those of its rules, and those of the package where it is installed."""

import io
import re
from contextlib import redirect_stdout
from importlib.util import find_spec
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from thulac_files import FULL, slow_cut, slow_masks, write_model, write_trie

from suwen.text.segmenters.double_array import DoubleArray
from suwen.text.segmenters.thulac import Thulac
from suwen.text.segmenters.thulac_tags import admitted, kept_characters

LETTERS = "血糖高的吧%，。 a1《》"
DICTIONARIES = (("血糖高", "血糖高的", "糖血", "a1血"), ("高的吧", "血高", "。糖"), ("。。", "，。，", "%%"))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model of random weights in which a tie is nothing unusual, and what it is made of."""
    draw = np.random.default_rng(3)
    known = sorted(set(f"{LETTERS}#".translate(FULL)) - {" "})
    names = [*known, *("".join(pair) for pair in product(known, [*known, " "]) if draw.random() < 0.5)]
    weights = {(name, number): draw.integers(-2, 3, 4).tolist() for name in names for number in "1234"}
    transitions = draw.integers(-2, 3, 16).tolist()
    folder = write_model(tmp_path_factory.mktemp("thulac"), weights, transitions, DICTIONARIES)
    return Thulac.read(folder), weights, transitions


@pytest.fixture(scope="module")
def package():
    """The package's own segmenter."""
    thulac = pytest.importorskip("thulac")
    with redirect_stdout(io.StringIO()):
        whole = thulac.thulac(seg_only=True)
    return lambda line: [word for word, _ in whole.cut(line)]


def test_double_array_finds_what_was_written(tmp_path):
    words = ["血", "血糖", "血糖高", "a", "ab"]
    write_trie(tmp_path / "words.dat", {(*map(ord, word), 0): i for i, word in enumerate(words)})
    trie = DoubleArray.read(tmp_path / "words.dat")
    for i, word in enumerate(words):
        node = np.zeros(1, np.int64)
        base = trie.values(node)
        for character in word:
            node, base = trie.step(node, base, np.array([ord(character)]))
        assert trie.ends(node, base).all()
        assert trie.step(node, base, 0)[1] == [i]
    root = np.zeros(3, np.int64)
    assert (trie.step(root, trie.values(root), np.array([ord("糖"), 2**30, -5]))[0] == -1).all()


def masks_of(line):
    text = f"\n\n{line}\n\n"
    codes = np.array([ord(character) for character in text], np.uint32)
    length = int(kept_characters(codes).sum()) - 4
    masks = admitted(codes, text, np.array([2]), np.array([2 + length]))
    return masks[2:-2].tolist()


@given(st.text("血的了吧啊，。% \u3000a《》", min_size=1, max_size=20))
@example("。 吧x")
@example("《血 糖》高")
@example("《血》")
def test_thulac_tags_are_admitted_as_by_its_rules(line):
    assert masks_of(line) == slow_masks(line)[1]


@given(st.lists(st.text(LETTERS, max_size=15), max_size=5))
@example(["吧啊%", "%吧%血糖", "血%糖"])
def test_thulac_words_are_those_of_its_rules(model, lines):
    thulac, weights, transitions = model
    slow = [slow_cut(line, weights, transitions, DICTIONARIES) if line else [] for line in lines]
    assert thulac.cut(lines) == slow


def test_thulac_words_do_not_depend_on_the_batch(model, monkeypatch):
    thulac, _, _ = model
    draw = np.random.default_rng(0)
    lines = ["".join(draw.choice(list(LETTERS), draw.integers(0, 30))) for _ in range(200)]
    whole = thulac.cut(lines)
    assert [thulac.cut([line])[0] for line in lines] == whole
    monkeypatch.setattr("suwen.text.segmenters.thulac.BATCH_CHARACTERS", 50)
    assert thulac.cut(lines) == whole


def test_thulac_without_a_sequence_of_tags_takes_characters_for_words(model):
    # The package forgets its tags there; "吧%" asks for a word that continues after one that is a word by itself.
    assert model[0].cut(["血糖%吧%高"])[0][:4] == ["血", "糖", "%", "吧"]


def test_thulac_needs_its_files(tmp_path):
    with pytest.raises(OSError, match="cws_model"):
        Thulac.read(tmp_path)


ODD = "血糖高的了吧啊，。、《》%#…—-  \u3000\t\r\x00\x7fabAB019１Ａ北京市一心一意年月日𠀀😀\ud800\uffff"
CHARACTERS = st.one_of(
    st.sampled_from(ODD),
    st.characters(exclude_characters="\n"),
    st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF),
)


@given(st.lists(st.lists(CHARACTERS, max_size=30).map("".join), max_size=10))
@settings(max_examples=60, deadline=None)
def test_thulac_words_are_those_of_the_package(package, lines):
    own = Thulac.read(Path(find_spec("thulac").submodule_search_locations[0]) / "models")
    assert own.cut(lines) == [package(line) for line in lines]


def test_thulac_words_of_sentences_are_those_of_the_package(package):
    own = Thulac.read(Path(find_spec("thulac").submodule_search_locations[0]) / "models")
    text = (
        "患者男性，52岁，2018年3月因“多饮、多尿半月”来我院就诊。空腹血糖11.2mmol/L，糖化血红蛋白 9.1%！"
        "参照《中国2型糖尿病防治指南》，给予二甲双胍（0.5g，每日3次）联合甘精胰岛素……随访6个月；不的了呢。"
    )
    lines = [text, *re.split("(?<=[，。；])", text)]
    assert own.cut(lines) == [package(line) for line in lines]
