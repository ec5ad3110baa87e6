"""Find the abbreviations that a document defines: 糖尿病肾病(DN), X(English full form, DN), DM(糖尿病), X，简称DN.

Chinese characters cannot be aligned with Latin letters as Schwartz and Hearst do ("A simple algorithm for identifying
abbreviation definitions in biomedical text", PSB 2003), so the long form is an entity: the longest one before the
bracket. Their alignment is used where the English full form is given.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from suwen.concepts.normalization import normalize
from suwen.document import Document, Entity

__all__ = [
    "Definition",
    "agreed",
    "definitions_in",
    "is_short_form",
    "long_forms",
    "within_one_edit",
    "without_definition",
]

LONGEST_SHORT_FORM = 12
LONGEST_REMARK = 150
LEAST_DOCUMENTS, LEAST_AGREEMENT = 3, 0.9
"""A definition applies to a whole library if at least this number of documents give it, and this share of the documents
that define the short form."""

LEAST_CERTAIN = 3
"""Short forms with fewer characters (DM) may mean the longer of two names (2型糖尿病), not the listed one."""

LEAST_COMPARED = 4
"""Minimum length of compared names: in shorter ones, one character distinguishes two diseases (甲亢, 甲减)."""

_LETTER = "A-Za-zα-ωΑ-Ω"
_SHORT_FORM = re.compile(rf"[{_LETTER}0-9][{_LETTER}0-9+'()\-]*")
_WORD = re.compile(r"[A-Z]?[a-z]{3,}")
_UNIT = re.compile(
    r"""
    (?:[μmknpcdM]?(?:mol|g|l|L|m|U|IU|Eq|V|s|Hz|Pa|J|cal|W|Gy|Sv|Bq|osm|Osm)[0-9²³]?|mmHg|cmH2O|min|h|d|wk|mo|y|yr|kg|bpm|
    [°℃%‰]|IU|rpm|ppm|bp|kb|kD|Da|kDa|OD|log|times)
    """,
    re.VERBOSE,
)
_STATISTIC = re.compile(r"P|p|t|r|F|n|N|Z|χ2?|OR|RR|HR|CI|SD|SE|SEM|IQR|AUC|ROC|NS|M|Q|R2?")
_ROMAN = re.compile(r"[IVX]+[abc]?")
_STAGE = re.compile(r"[cpy]*T[0-4][a-d]?(?:N[0-3X][a-c]?)?(?:M[01X])?")
_LIST_MARK = re.compile(r"[A-Za-z][0-9]?|[0-9]+[A-Za-z]?")
_REMARK = re.compile(
    rf"\s*[(（](?P<remark>(?:[^()（）]|[(（][^()（）]{{0,40}}[)）]){{1,{LONGEST_REMARK}}})[)）]|"
    r"\s*[,，]?\s*(?:以下)?(?:简称|缩写)为?[“”\"]?(?P<called>[A-Za-z0-9α-ω\-]{2,12})(?![A-Za-z0-9α-ω\-])"
)
_ANNOUNCED = re.compile(r"(?:以下|英文)?(?:简称|缩写|简写)(?:为|是|[:：])?\s*|abbreviated\s+as\s+", re.IGNORECASE)
_PARTS = re.compile(r"[,，;；:：]")
_CHINESE = re.compile(r"[㐀-鿿]")
_GOES_ON = re.compile(r"\s*[-‐–—－一]\s*[0-9α-ω]")
_PREFIX = re.compile(r"[A-Za-z0-9]+\s*[-‐–—－](?=[㐀-鿿])")
_SPECIMEN = re.compile("(?:外周血单个核细胞|外周血|血清|血浆|全血)\\s*(?=.{3})", re.DOTALL)
_SPECIMEN_LETTERS = {"外": "pb", "血": "sp", "全": "wb"}
_BRACKET = re.compile("[(（]")
_INNER = re.compile(r"[(（]([^()（）]+(?:\([^()]*\)[^()（）]*)?)[)）]")


@dataclass(frozen=True, slots=True)
class Definition:
    """An abbreviation that a document defines: both forms as they are written, and the label of the long one."""

    short: str
    long: str
    label: str


def is_short_form(text: str) -> bool:
    """Return whether a remark can be an abbreviation: no unit, number, statistic, reference or ordinary word.

    Examples
    --------
    >>> [is_short_form(text) for text in ("DN", "HbA1c", "25(OH)D", "mmol/L", "P<0.05", "1", "II", "Bayer")]
    [True, True, True, False, False, False, False, False]
    """
    text = re.sub(r"\s+", "", text)
    if not 2 <= len(text) <= LONGEST_SHORT_FORM or not _SHORT_FORM.fullmatch(text):
        return False
    if not re.search("[A-ZΑ-Ω]", text) or text.count("(") != text.count(")"):
        return False
    return not any(known.fullmatch(text) for known in (_UNIT, _STATISTIC, _STAGE, _ROMAN, _LIST_MARK, _WORD))


def definitions_in(document: Document) -> tuple[Definition, ...]:
    """Find the definitions in a document, in reading order; the same one may be given several times.

    Needs the document's entities: a long form is one, of a label of its own.
    """
    text = document.text
    found: list[tuple[int, Definition]] = []
    starts = {entity.start: entity for entity in sorted(document.entities, key=lambda entity: entity.end)}
    ordered = sorted(document.entities, key=lambda entity: (entity.end, entity.start))
    for end, ending in groupby(ordered, key=lambda entity: entity.end):
        longest = next(ending)
        after = _REMARK.match(text, end)
        inside = _BRACKET.search(text, longest.start, end)
        if not (after or inside):
            continue
        mention = document.mention(longest)
        pair = (
            _inner_definition(mention, longest.label) if inside else None,
            _from_remark(document, longest, mention, after, starts) if after else None,
        )
        found += [(longest.start, definition) for definition in pair if definition]
    return tuple(definition for _, definition in sorted(found, key=lambda item: item[0]))


def _inner_definition(mention: str, label: str) -> Definition | None:
    """Return the definition that a mention holds as a whole: 糖尿病肾病(DN) annotated as one entity."""
    inner = _INNER.search(mention)
    if inner is None or not _is_long_form(mention[: inner.start()]):
        return None
    short = _short_form_in(inner[1])
    return Definition(short, _without_specimen(mention[: inner.start()].strip(), short), label) if short else None


def without_definition(mention: str) -> str:
    """Remove an abbreviation in brackets from a mention: 糖尿病肾病(DN) is 糖尿病肾病.

    Examples
    --------
    >>> without_definition("二肽基肽酶-4(DPP-4)抑制剂"), without_definition("血清25(OH)D")
    ('二肽基肽酶-4抑制剂', '血清25(OH)D')
    """
    inner = _INNER.search(mention)
    if inner is None or not _is_long_form(mention[: inner.start()]) or not _short_form_in(inner[1]):
        return mention
    return mention[: inner.start()].rstrip() + mention[inner.end() :]


def _is_long_form(text: str) -> bool:
    """Return whether a text can be a long form; in 血清25(OH)D no bracket holds an abbreviation."""
    return len(_CHINESE.findall(text)) >= 3 or (len(text.strip()) >= 2 and bool(_CHINESE.match(text.rstrip()[-1:])))


def _from_remark(
    document: Document, entity: Entity, mention: str, after: re.Match[str], starts: Mapping[int, Entity]
) -> Definition | None:
    """Return the definition that an entity and the remark behind it make."""
    if _CHINESE.search(mention):
        short = _short_form_in(after["remark"] or after["called"])
        # 胰升糖素样肽(GLP)-1 continues, and in p38-丝裂原活化蛋白激酶(MAPK) only a part is meant.
        is_part = _GOES_ON.match(document.text, after.end()) or _is_compound(mention, short or "")
        return Definition(short, _without_specimen(mention, short), entity.label) if short and not is_part else None
    if after["remark"] and is_short_form(mention):
        # The short form stands first: DM(糖尿病). The long form is an entity that fills the bracket.
        begin, end = after.span("remark")
        inside = starts.get(begin + len(after["remark"]) - len(after["remark"].lstrip()))
        if inside and document.text[inside.end : end].strip() == "" and inside.label == entity.label:
            long = document.mention(inside)
            return Definition(mention, long, entity.label) if _CHINESE.search(long) else None
    return None


def _without_specimen(long: str, short: str) -> str:
    """Remove the specimen that a long form begins with, unless the short form has a letter for it: 血清铁(SI)."""
    specimen = _SPECIMEN.match(long)
    if specimen is None or short[0].lower() in _SPECIMEN_LETTERS[long[0]]:
        return long
    return long[specimen.end() :]


def _is_compound(long: str, short: str) -> bool:
    """Return whether a long form begins with a Latin part that its short form does not contain."""
    prefix = _PREFIX.match(long)
    return prefix is not None and not short.lower().startswith(prefix[0][0].lower())


def _short_form_in(remark: str) -> str | None:
    """Return the short form of a remark: all of it, or its last part behind an English or Chinese full form."""
    *before, last = _PARTS.split(_ANNOUNCED.sub("", remark))
    short = re.sub(r"\s+", "", last)
    # "Novo Nordisk" is not an abbreviation; "HbA1 c" is one with an extra space.
    if not is_short_form(short) or any(_WORD.fullmatch(word) for word in last.split()):
        return None
    for full in before:
        if _CHINESE.search(full):
            continue
        if not re.search(r"[a-z]{4}", full) or not _aligns(short, full):
            return None
    return short


def _aligns(short: str, full: str) -> bool:
    """Return whether a short form's letters occur in order in its English full form (Schwartz and Hearst)."""
    letters = iter(re.sub("[^a-z0-9]", "", full.lower()))
    wanted = re.sub("[^a-z]", "", short.lower())
    return all(letter in letters for letter in wanted)


def long_forms(
    definitions: Iterable[Definition], listed: Mapping[str, Sequence[str]] | None = None
) -> dict[str, dict[str, str]]:
    """Find the meaning of each short form of one document.

    A long form that is nearly the listed one stands for it: annotations cut words (血糖 for 空腹血糖) or add some. If
    several long forms remain for a label, one must be listed, else the short form has no meaning there.

    Parameters
    ----------
    listed
        By key of a short form the known long forms.

    Returns
    -------
    dict[str, dict[str, str]]
        By key of the short form and by label the long form; under the label ``""`` the meaning for other labels.
    """
    by_short: defaultdict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for definition in definitions:
        short = normalize(definition.short)
        long = _completed(definition.long, short, (listed or {}).get(short, ()))
        by_short[short][definition.label, long] += 1
    decided: dict[str, dict[str, str]] = {}
    for short, counts in by_short.items():
        known = (listed or {}).get(short, ())
        meanings = {label: _only([long for kind, long in counts if kind == label], known) for label, _ in counts}
        meanings[""] = _only([long for _, long in counts], known)
        decided[short] = {label: long for label, long in meanings.items() if long}
    return {short: meanings for short, meanings in decided.items() if meanings}


def _completed(long: str, short: str, listed: Sequence[str]) -> str:
    """Return the listed long form where the defined one means it: it is cut, has words before it, or a slip.

    The mention of the long form itself keeps its own key: an OCR twin is not merged by its abbreviation.
    """
    key = normalize(long)
    for name in listed:
        known = normalize(name)
        has_more = len(short) >= LEAST_CERTAIN and key.endswith(known)
        if known.endswith(key) or has_more or (len(known) >= LEAST_COMPARED and within_one_edit(key, known)):
            return name
    return long


def within_one_edit(first: str, second: str) -> bool:
    """Return whether one insertion, deletion or substitution at most makes two strings equal."""
    if abs(len(first) - len(second)) > 1:
        return False
    shorter, longer = sorted((first, second), key=len)
    place = next((i for i, (a, b) in enumerate(zip(shorter, longer, strict=False)) if a != b), len(shorter))
    rest = longer[place + 1 :]
    return rest in (shorter[place:], shorter[place + 1 :])


def _only(longs: Iterable[str], known: Sequence[str]) -> str:
    """Return the one meaning, or an empty string; of surfaces with one key the smallest, whatever their order."""
    surfaces: dict[str, str] = {}
    for long in sorted(longs):
        surfaces.setdefault(normalize(long), long)
    if len(surfaces) > 1:
        expected = {normalize(long) for long in known}
        surfaces = {key: long for key, long in surfaces.items() if key in expected}
    return next(iter(surfaces.values())) if len(surfaces) == 1 else ""


def agreed(documents: Iterable[Mapping[str, Mapping[str, str]]]) -> dict[str, str]:
    """Return the short forms that a library defines with one voice.

    Parameters
    ----------
    documents
        What `long_forms` gives for each document.

    Returns
    -------
    dict[str, str]
        By key of the short form the long form that at least `LEAST_AGREEMENT` of at least `LEAST_DOCUMENTS`
        documents give; the order of the documents does not matter.
    """
    votes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    surfaces: dict[str, str] = {}
    for meanings in documents:
        for short, by_label in meanings.items():
            long = by_label.get("", "")
            key = normalize(long)
            votes[short][key] += 1
            surfaces[key] = min(surfaces.get(key, long), long)
    chosen: dict[str, str] = {}
    for short, counts in votes.items():
        key, count = max(counts.items(), key=lambda item: (item[1], item[0]))
        if key and count >= LEAST_DOCUMENTS and count >= LEAST_AGREEMENT * counts.total():
            chosen[short] = surfaces[key]
    return chosen
