"""Words: joined they are the text, whatever the segmenter does to white space."""

import importlib.util
import sys
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st
from thulac_files import write_model

from suwen.errors import SuwenError
from suwen.text.words import THULAC_LIMIT, cut_all, realign, segmenter_named


@pytest.fixture(autouse=True)
def _nothing_cached():
    segmenter_named.cache_clear()
    yield
    segmenter_named.cache_clear()


@pytest.fixture
def thulac_package(tmp_path, monkeypatch):
    """A package with a model that takes two characters for a word, and with code that must not be run."""
    (tmp_path / "thulac").mkdir()
    (tmp_path / "thulac" / "__init__.py").write_text("raise RuntimeError\n")
    weights = {(first, "1"): (9, 0, 0, 0) for first in "空血"} | {(last, "1"): (0, 9, 0, 0) for last in "腹糖"}
    folder = write_model(tmp_path / "thulac" / "models", weights)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "thulac", raising=False)
    return folder


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


def test_words_thulac_keeps_the_text(thulac_package, capfd):
    text = " 空腹血糖\r\n血  糖\n"
    assert segmenter_named("thulac")(text) == [" ", "空腹", "血糖", "\r\n", "血", "  ", "糖", "\n"]
    assert capfd.readouterr().out == ""


def test_words_thulac_cuts_several_texts_at_once(thulac_package):
    texts = ["空腹血糖", "", "血糖\n空腹", "\n"]
    segment = segmenter_named("thulac")
    assert cut_all(segment, texts) == [segment(text) for text in texts]
    assert cut_all(segment, texts) == [["空腹", "血糖"], [], ["血糖", "\n", "空腹"], ["\n"]]
    assert cut_all(str.split, ["a b", "c"]) == [["a", "b"], ["c"]]


def test_words_thulac_cuts_long_lines(thulac_package):
    text = "高" + "血糖" * THULAC_LIMIT
    words = segmenter_named("thulac")(text)
    assert "".join(words) == text
    assert [word for word in words if word != "血糖"] == ["高", "血", "糖", "血", "糖"]


def test_words_thulac_without_its_model_is_not_installed(thulac_package):
    (thulac_package / "idiom.dat").unlink()
    with pytest.raises(SuwenError, match=r"S405 not installed: the model of thulac .*idiom.dat.*; pip install"):
        segmenter_named("thulac")


def test_words_of_a_segmenter_that_changes_the_text_are_refused(monkeypatch):
    tokenizer = types.SimpleNamespace(lcut=lambda text: ["血"])
    jieba = types.SimpleNamespace(setLogLevel=lambda level: None, Tokenizer=lambda: tokenizer)
    monkeypatch.setitem(sys.modules, "jieba", jieba)
    with pytest.raises(SuwenError, match="S408 the segmenter 'jieba' changed the text that begins with '血糖'"):
        segmenter_named("jieba")("血糖")


@pytest.mark.parametrize("name", ["thulac", "jieba"])
def test_words_missing_package_names_the_installation(name, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SuwenError, match=r"S405 not installed: .*; pip install 'suwen\[augment\]'"):
        segmenter_named(name)


def test_words_unknown_name_lists_the_known():
    with pytest.raises(SuwenError, match="S404 unknown segmenter 'hanlp'; known: thulac, jieba, none"):
        segmenter_named("hanlp")
