"""Words: joined they are the text, whatever the segmenter does to white space."""

import importlib.util
import sys
import time
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.errors import SuwenError
from suwen.text.words import THULAC_LIMIT, realign, segmenter_named


@pytest.fixture(autouse=True)
def _nothing_cached():
    segmenter_named.cache_clear()
    yield
    segmenter_named.cache_clear()


@pytest.fixture
def fake_thulac(monkeypatch):
    """A package that behaves as thulac 0.2.2 does where it is awkward: pairs of characters as words."""
    package, decoder = types.ModuleType("thulac"), types.ModuleType("thulac.decoder")
    decoder.time = time
    monkeypatch.setitem(sys.modules, "thulac", package)
    monkeypatch.setitem(sys.modules, "thulac.decoder", decoder)

    class Model:
        def __init__(self, seg_only: bool = False) -> None:
            assert seg_only
            print("Model loaded succeed")

        def cut(self, text: str) -> list[list[str]]:
            decoder.time.clock()
            assert len(text) < 10_000
            solid = "".join(text.split())
            return [[solid[start : start + 2], ""] for start in range(0, len(solid), 2)]

    package.thulac = Model
    return package


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=4)), st.data())
def test_words_realign_gives_back_white_space(words, data):
    text = "".join(word + data.draw(st.sampled_from(["", " ", "\r\n", "\u3000"])) for word in words)
    aligned = realign(["".join(word.split()) for word in words], text)
    assert aligned is not None
    assert "".join(aligned) == text
    assert all(aligned) or aligned == words


def test_words_realign_keeps_words_apart_from_white_space():
    assert realign(["空腹", "血糖"], " 空腹  血糖\n") == [" ", "空腹", "  ", "血糖", "\n"]
    assert realign(["空腹血糖"], "空腹 血糖") == ["空腹 血糖"]


def test_words_realign_refuses_changed_text():
    assert realign(["空腹"], "空腹血糖") is None
    assert realign(["体", "雙"], "体双") is None


def test_words_none_takes_each_character_for_a_word():
    assert segmenter_named("none")("血糖 5") == ["血", "糖", " ", "5"]


@pytest.mark.skipif(importlib.util.find_spec("jieba") is None, reason="jieba is not installed")
def test_words_jieba_keeps_the_text():
    text = "口服 二甲双胍片0.5g，\r\n每日三次。😀\u3000e\u0301\x00"
    words = segmenter_named("jieba")(text)
    assert "".join(words) == text
    assert "口服" in words


def test_words_thulac_keeps_the_text(fake_thulac, capfd):
    text = " 空腹血糖\r\n升 高\n"
    assert segmenter_named("thulac")(text) == [" ", "空腹", "血糖", "\r\n", "升 高", "\n"]
    assert capfd.readouterr().out == ""


def test_words_thulac_is_not_given_more_than_it_holds(fake_thulac):
    text = "血糖" * THULAC_LIMIT
    assert "".join(segmenter_named("thulac")(text)) == text


def test_words_thulac_finds_the_clock_and_nobody_else_does(fake_thulac):
    segmenter_named("thulac")
    assert not hasattr(time, "clock")


def test_words_thulac_that_changes_the_text_is_refused(fake_thulac, monkeypatch):
    monkeypatch.setattr(fake_thulac.thulac, "cut", lambda self, text: [["血", ""]])
    with pytest.raises(SuwenError, match="S408 the segmenter 'thulac' changed the text that begins with '血糖'"):
        segmenter_named("thulac")("血糖")


@pytest.mark.parametrize("name", ["thulac", "jieba"])
def test_words_missing_package_names_the_installation(name, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SuwenError, match=r"S405 .* is not installed; pip install 'suwen\[augment\]'"):
        segmenter_named(name)


def test_words_unknown_name_lists_the_known():
    with pytest.raises(SuwenError, match="S404 unknown segmenter 'hanlp'; known: thulac, jieba, none"):
        segmenter_named("hanlp")
