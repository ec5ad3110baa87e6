from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.errors import SuwenError
from suwen.formats.encodings import ENCODINGS, decode, decode_annotated

PATH = Path("a.txt")
CHINESE = "患者口服二甲双胍治疗2型糖尿病,每日三次,血糖控制良好。\r\n"
OTHERS = {
    "big5": "患者口服二甲雙胍治療第二型糖尿病，每日三次，血糖控制良好。並無不良反應，建議繼續服藥觀察療效。",
    "euc-kr": "환자는 당뇨병 치료를 위해 메트포르민을 하루 세 번 복용하였으며 혈당이 잘 조절되었다.",
    "euc-jp": "患者は糖尿病の治療のためにメトホルミンを一日三回服用し、血糖は良好に管理された。",
    "shift_jis": "患者は糖尿病の治療のためにメトホルミンを一日三回服用し、血糖は良好に管理された。",
    "cp1251": "Пациент принимал метформин три раза в день для лечения сахарного диабета.",
    "latin-1": "Le patient était traité à l'hôpital; la glycémie a été contrôlée régulièrement.",
}


def refusal(data: bytes, encoding: str | None = None) -> str:
    with pytest.raises(SuwenError) as caught:
        decode(data, PATH, encoding)
    return str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16-le", "utf-16-be"])
def test_encodings_are_found_out(encoding: str) -> None:
    assert decode(CHINESE.encode(encoding), PATH) == (CHINESE, encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_encodings_count_the_byte_order_mark(encoding: str) -> None:
    text = "\ufeff糖"
    assert decode(text.encode(encoding), PATH) == (text, encoding)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_encodings_detect_the_byte_order_of_latin_text(encoding: str) -> None:
    text = "The patient took metformin three times a day.\n"
    assert decode(text.encode(encoding), PATH) == (text, encoding)


@pytest.mark.parametrize("encoding", OTHERS)
def test_encodings_never_mistake_others_for_chinese(encoding: str) -> None:
    said = refusal(OTHERS[encoding].encode(encoding) * 5)
    assert said.startswith("S116 a.txt:1: cannot decode the text: neither UTF-8 (byte")


def test_encodings_refuse_what_is_not_certain() -> None:
    assert "byte 0xBF at offset 0" in refusal("口服".encode("gb18030"))
    damaged = CHINESE.encode()
    assert refusal(damaged + b"\n\xff" + damaged).startswith("S116 a.txt:3")
    assert "UTF-32" in refusal(CHINESE.encode("utf-32"))


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"%PDF-1.7\n1 0 obj", "PDF"),
        (b"PK\x03\x04rest", "ZIP"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"text\0\x01\xff", "binary"),
    ],
)
def test_encodings_say_what_is_no_text(data: bytes, kind: str) -> None:
    assert refusal(data).startswith(f"S117 a.txt: not text: the content is {kind}")


def test_encodings_say_that_the_named_one_is_wrong() -> None:
    said = refusal(b"\xff", "gbk")
    assert said.startswith("S116 a.txt: cannot decode the text: it is not gb18030 (offset 0: ")
    for encoding in ("gbk", "big5"):
        said = refusal("口服".encode(), encoding)  # which GB18030 reads as three other hanzi
        assert said.startswith("S116 a.txt: cannot decode the text: it is utf-8, not ")
    # The bytes of this word are valid UTF-8 too.
    assert decode("联通".encode("gbk"), PATH, "gbk") == ("联通", "gb18030")
    assert decode("5 mg μg\n".encode("gbk"), PATH, "gbk") == ("5 mg μg\n", "gb18030")


def test_encodings_can_be_named() -> None:
    assert decode("口服".encode("gb18030"), PATH, "GB18030") == ("口服", "gb18030")
    assert decode("雙胍".encode("big5"), PATH, "big5") == ("雙胍", "big5")
    assert decode("\ufeff糖".encode("utf-16-be"), PATH, "utf-16") == ("\ufeff糖", "utf-16-be")
    assert refusal(b"\xff", "gb18030").startswith("S116 a.txt: cannot decode the text: it is not gb18030")
    assert refusal(b"", "klingon").startswith("S404")


@given(st.binary(max_size=300), st.sampled_from([None, *ENCODINGS]))
def test_encodings_give_text_or_one_clear_line(data: bytes, encoding: str | None) -> None:
    try:
        text, found = decode(data, PATH, encoding)
    except SuwenError:
        return
    assert text.encode(found) == data


@given(st.text(max_size=50))
def test_encodings_leave_utf8_as_it_is(text: str) -> None:
    data = text.encode(errors="ignore")
    if b"\0" not in data and decode(data, PATH)[1] == "utf-8":
        assert decode(data, PATH)[0] == data.decode()


def test_encodings_of_a_corpus_keep_nul_characters_and_find_utf16_without_a_mark(tmp_path: Path) -> None:
    assert decode_annotated(b"e\0\0", tmp_path) == "e\0\0"
    text = "The patient took 0.5 g of metformin three times a day, and blood glucose was well controlled. " * 3
    assert decode_annotated(text.encode("utf-16-le"), tmp_path) == text
