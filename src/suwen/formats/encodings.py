"""Detect the encoding of a text, only if it is certain."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from pathlib import Path

from suwen.errors import SuwenError
from suwen.formats.contents import read_bytes

__all__ = [
    "ENCODINGS",
    "EncodingError",
    "decode",
    "decode_annotated",
    "encoding_named",
    "encoding_of",
    "kind_of",
    "read_encoded",
    "refuse_utf8",
]

ENCODINGS = ("utf-8", "gb18030", "utf-16", "utf-16-le", "utf-16-be", "big5", "big5hkscs")
"""The encodings that can be asked for by name; only the first three are ever found out."""

WIDER = {
    "utf-8-sig": "utf-8",
    "utf_8_sig": "utf-8",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "cp950": "big5hkscs",
}
"""Python's names of encodings that are part of one of `ENCODINGS`."""

LARGEST_CORPUS = 256 * 2**20
"""The maximum number of bytes of a file of a corpus that is decoded whole."""

SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "PDF"),
    (b"PK\x03\x04", "ZIP (or docx)"),
    (b"PK\x05\x06", "ZIP (or docx)"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old or encrypted Office"),
    (b"{\\rtf", "RTF"),
    (b"PAR1", "parquet"),
    (b"\x1f\x8b", "gzip"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"BZh", "bzip2"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "RAR"),
    (b"\x89PNG\r\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3\x00", "SQLite"),
)
"""First bytes of files that are not text."""

SAMPLE = 100_000
"""Number of characters by which a decoding is judged."""

LEAST_WIDE = 10
"""Minimum characters beyond ASCII for a certain result: almost any pair of bytes is a character of GB18030."""

LEAST_UTF8 = 2
"""Minimum characters beyond ASCII that make valid UTF-8 certain although another encoding was named."""

LEAST_LONG = 10
"""Minimum characters of UTF-16 without a byte order mark: the bytes of NUL and "0" are one character of it."""

LEAST_FREQUENT, LEAST_SIMPLIFIED, LEAST_PLAUSIBLE = 0.15, 0.95, 0.98
"""The shares that make a decoding certain (see `_is_chinese`, `_is_plausible`).

Of simplified Chinese medical text about half the characters are in `FREQUENT` and all but a few in GB 2312. Korean,
Japanese, Russian or traditional Chinese bytes read as GB18030 have hardly any of the former or many outside the latter.
"""

FREQUENT = frozenset(
    "，。、；：（）！？“”《》％的一是在不了有和人这中大为上个以时来用们到作地于出分对成会可主年动同工也能下过子说"
    "产种面而方后多定行学法所民得经之进等部度家如水化高自二理起小物现实加量都两体制机点本去性好应开合因其些前外相"
    "全样与关各重新内数正心反你明看原又么比或但质气第向道此变条只结解问意建月公无系者最及期平病患治疗药血糖尿型组"
    "观察术检查结果症状率较低口服每日次注射细胞临床表例"
)
"""Characters that any longer Chinese text is full of."""

_NOT_TEXT = re.compile("[\x00-\x08\x0e-\x1b\x7f\ue000-\uf8ff\ufdd0-\ufdef\ufffe\uffff]")
_PLAUSIBLE = re.compile(
    "[\t\n\f\r -~\xa0-\u024f\u0370-\u045f\u2001-\u266f\u3000-\u303f\u4e00-\u9fff\uff01-\uffef\ufeff]"
)


class EncodingError(SuwenError):
    """The encoding of a text is not certain, or not the one that was asked for (S116)."""


def kind_of(data: bytes) -> str | None:
    """Return the kind of a file that is not text, from its first bytes."""
    return next((kind for signature, kind in SIGNATURES if data.startswith(signature)), None)


def decode(data: bytes, path: Path, encoding: str | None = None) -> tuple[str, str]:
    """Return the exact characters of a text, a byte order mark included, and the encoding that they were in.

    Parameters
    ----------
    encoding
        A name of one of `ENCODINGS`; by default UTF-8, or GB18030 or UTF-16 where that is certain.

    Raises
    ------
    EncodingError
        S116 when the bytes are not in that encoding or none is certain.
    SuwenError
        S117 when they are no text at all, S404 for an unknown encoding.
    """
    if encoding is not None:
        return _decode_as(encoding, data, path)
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise EncodingError("S116", path, reason="its byte order mark says UTF-32")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _decode_as("utf-16", data, path)
    if kind := kind_of(data):
        raise SuwenError("S117", path, found=kind)
    try:
        text = data.decode()
        if "\0" not in text:
            return text, "utf-8"
        line, fault = None, "it holds NUL characters"
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        fault = f"byte 0x{data[error.start]:02X} at offset {error.start}"
    certain = [(found, name) for name in ("gb18030", "utf-16-le", "utf-16-be") if (found := _certain(data, name))]
    if len(certain) == 1:
        return certain[0]
    if b"\0" in data:
        raise SuwenError("S117", path, found="binary")
    reason = f"neither UTF-8 ({fault}) nor, with certainty, GB18030 or UTF-16"
    raise EncodingError("S116", path, line, reason=reason)


def encoding_named(name: str) -> str:
    """Return the one of `ENCODINGS` that a name means: gbk, GB2312 and cp936 are gb18030, big5-hkscs is big5hkscs.

    Raises
    ------
    SuwenError
        S404 when the name means none of them.
    """
    try:
        known = codecs.lookup(name).name
    except (LookupError, ValueError):
        known = name.lower()
    known = WIDER.get(known, known)
    if known not in ENCODINGS:
        raise SuwenError("S404", what="encoding", name=name, known=", ".join((*ENCODINGS, "gbk", "gb2312", "cp936")))
    return known


def encoding_of(head: bytes) -> str:
    """Return the encoding of the beginning of a file: UTF-8, unless another one is certain."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        if "\0" not in codecs.getincrementaldecoder("utf-8")().decode(head):
            return "utf-8"
    except UnicodeDecodeError:
        pass
    certain = [name for name in ("gb18030", "utf-16-le", "utf-16-be") if _certain(head, name, whole=False)]
    return certain[0] if len(certain) == 1 else "utf-8"


def decode_annotated(data: bytes, path: Path, encoding: str | None = None) -> str:
    """Return the exact characters of a file of a corpus; in UTF-8 any character is allowed, NUL among them.

    Raises
    ------
    SuwenError
        As `decode`.
    """
    if encoding is None:
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return decode(data, path)[0]
        certain = [found for name in ("utf-16-le", "utf-16-be") if "\0" in text and (found := _certain(data, name))]
        return certain[0] if len(certain) == 1 else text
    return decode(data, path, encoding)[0]


def read_encoded(path: Path, encoding: str | None = None) -> str:
    """Return the exact characters of a file of a corpus.

    Raises
    ------
    SuwenError
        As `decode`; S101, S102, S109 or S113 when it cannot be read, S115 when it is too large.
    """
    return decode_annotated(read_bytes(path, LARGEST_CORPUS), path, encoding)


def refuse_utf8(data: bytes, path: Path, encoding: str, whole: bool = True) -> None:
    """Refuse Chinese text in UTF-8 if GB18030 or Big5 is named; unless it is `whole`, the last character may be cut.

    Half of such texts decode as GB18030 too, to other hanzi. The reverse does not happen: the bytes of two hanzi of
    GB18030 or Big5 hardly ever form frequent hanzi of UTF-8.

    Raises
    ------
    EncodingError
        S116 when it is UTF-8.
    """
    if encoding not in ("gb18030", "big5", "big5hkscs"):
        return
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(data, final=whole)
    except UnicodeDecodeError:
        return
    wide, frequent = _wide(Counter(text[:SAMPLE]))
    if wide >= LEAST_UTF8 and frequent >= LEAST_FREQUENT * wide:
        raise EncodingError("S116", path, reason=f"it is utf-8, not {encoding}")


def _decode_as(encoding: str, data: bytes, path: Path) -> tuple[str, str]:
    encoding = encoding_named(encoding)
    refuse_utf8(data, path, encoding)
    # Python's own "utf-16" would take the byte order mark away.
    name = encoding
    if encoding == "utf-16":
        name = "utf-16-be" if data.startswith(codecs.BOM_UTF16_BE) else "utf-16-le"
    try:
        return data.decode(name), name
    except UnicodeDecodeError as error:
        reason = f"it is not {encoding} (offset {error.start}: {error.reason})"
        raise EncodingError("S116", path, reason=reason) from None


def _certain(data: bytes, encoding: str, whole: bool = True) -> str | None:
    """Return the text if the encoding is certain; unless it is `whole`, the last character may be cut."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(data, final=whole)
    except UnicodeDecodeError:
        return None
    counts = Counter(text[:SAMPLE])
    fits = _is_chinese(counts) if encoding == "gb18030" else _is_plausible(counts)
    return text if fits and not _NOT_TEXT.search(text) else None


def _is_chinese(counts: Counter[str]) -> bool:
    """Return whether the characters beyond ASCII are those of simplified Chinese."""
    wide, frequent = _wide(counts)
    simplified = sum(count for character, count in counts.items() if character.encode("gb2312", "ignore") > b"\x7f")
    return wide >= LEAST_WIDE and frequent >= LEAST_FREQUENT * wide and simplified >= LEAST_SIMPLIFIED * wide


def _is_plausible(counts: Counter[str]) -> bool:
    """Return whether this is European or Chinese text, which wrongly decoded bytes hardly ever are."""
    # In the wrong order a Latin letter is a hanzi whose low byte is zero, of which there are few.
    plausible = (point for point in counts if _PLAUSIBLE.match(point) and (ord(point) & 0xFF or point == "一"))
    good, total = sum(counts[point] for point in plausible), counts.total()
    wide, frequent = _wide(counts)
    chinese = wide < total / 2 or frequent >= LEAST_FREQUENT * wide
    return total >= LEAST_LONG and good >= LEAST_PLAUSIBLE * total and chinese


def _wide(counts: Counter[str]) -> tuple[int, int]:
    """Return how many characters are beyond ASCII, and how many of them frequent in Chinese."""
    wide = {character: count for character, count in counts.items() if character > "\x7f"}
    return sum(wide.values()), sum(count for character, count in wide.items() if character in FREQUENT)
