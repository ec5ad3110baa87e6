"""Decide which mentions of a sentence a cue reaches."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal

from suwen.concepts import cues as words
from suwen.document import Span

__all__ = ["FINDINGS", "Mention", "Sentence"]

FARTHEST = 16
"""Maximum characters between a cue and the first mention of its list."""
FARTHEST_IN_LIST = 10
FARTHEST_BEHIND = 10
FARTHEST_RISK = 8
FARTHEST_OPEN = 40
FARTHEST_OF_ALL = 200
"""Maximum reach of a cue, however long its clause is."""
SECOND_NEGATION = 8
"""Maximum distance at which a negation cancels the one before it, with no mention between them."""

_TESTS = frozenset({"Test", "Test_Value"})
FINDINGS = frozenset({"Disease", "Symptom", "SideEff", "Reason"})
_ACTS = frozenset({"Drug", "Treatment", "Operation", "Method", "Amount", "Frequency"})
_NO_EVENTS = _TESTS | _ACTS - {"Operation", "Treatment"} | {"Anatomy", "Duration"}
_MODIFIERS = frozenset({"Anatomy", "Level"})

_HIDDEN = "\ufffb"
_COMMA = re.compile(r"(?<![0-9])[,，:：]|[,，:：](?![0-9])")
_CONNECTED = re.compile(r"(?:合并|并发|伴有?|还是|[、及和或与以其/\s])*")
_PREDICATE = re.compile(
    r"(?:减弱|增强|消失|存在|升高|增高|下降|增大|肿大|阳性|阴性|正常|明显|好转|加重|增多|增快|加快|受限)$"
)
_FIRST_STOPS = re.compile(r"^在|的[^，,]{0,6}(?:患者|者|人群|组)|给予|改用|改为|后(?!遗)|者相比|者较|是(?!否)")
_CONTRAST = re.compile("但|而|却")
_CORRELATION = re.compile(r"相关|关联|差异|差别|区别|关系|影响|作用")
_CHANGED = re.compile(rf"(?:的|水平|程度|发生|症状|明显|显著|进一步|[^{words.MENTION}，,。]){{0,3}}?{words.CHANGE}")
_ADVISES_AGAINST = re.compile("不(?:推荐|建议|主张|提倡)")
_LACKS = re.compile("缺乏|无|没有")
_EVIDENCE = re.compile("证据|依据|数据|资料|研究|经验|共识")
_SEES = re.compile(
    "没有(?:发现|观察到|观测到|检测到|见到)|未(?:见|见到|发现|查见|检出|提示|显示|示|闻及|触及|观察到|探及|查及)|无"
)


@dataclass(frozen=True, slots=True)
class Mention:
    """A mention by its number in the document, with offsets into the text without line breaks."""

    number: int
    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class _Cue:
    start: int
    end: int
    text: str
    kind: str


class Sentence:
    """A sentence with its mentions.

    Parameters
    ----------
    text
        The sentence, with its end.
    begin
        Its offset.
    mentions
        Those that begin in it, by start.
    """

    def __init__(self, text: str, begin: int, mentions: Sequence[Mention]) -> None:
        self._text = text
        self._begin = begin
        self._mentions = [
            Mention(mention.number, mention.start - begin, mention.end - begin, mention.label) for mention in mentions
        ]
        self._starts = [mention.start for mention in self._mentions]
        self._list_ends: dict[tuple[str, bool], list[int]] = {}
        masked = text
        for mention in self._mentions:
            end = min(mention.end, len(text))
            masked = masked[: mention.start] + words.MENTION * (end - mention.start) + masked[end:]
        # Words that only look like cues are masked, with their length kept.
        self._masked = words.PSEUDO.sub(lambda found: _hidden(found[0]), masked)

    @cached_property
    def _cues(self) -> list[_Cue]:
        found = [_Cue(cue.start(), cue.end(), cue[0], str(cue.lastgroup)) for cue in words.CUES.finditer(self._masked)]
        return [cue for cue in found if cue.text != "如" or self._is_condition(cue)]

    @cached_property
    def _connected_ends(self) -> list[int]:
        """For each mention the index of the last one that nothing but connecting words leads to."""
        pairs = pairwise(self._mentions)
        return _run_ends(bool(_CONNECTED.fullmatch(self._masked[one.end : other.start])) for one, other in pairs)

    @cached_property
    def _commas(self) -> list[int]:
        return [comma.start() for comma in _COMMA.finditer(self._masked)]

    def assertion_of(self, mention: Mention) -> tuple[Literal["affirmed", "negated", "hypothetical"], Span | None]:
        """Return the assertion of one of the sentence's mentions, and the span of the cue.

        A hypothesis wins over a negation. Of several cues the nearest one before the mention counts, else the nearest
        one behind it.
        """
        target = Mention(mention.number, mention.start - self._begin, mention.end - self._begin, mention.label)
        near = [cue for cue in self._cues if target.start - FARTHEST_OF_ALL <= cue.end <= target.end + FARTHEST_OF_ALL]
        before = [cue for cue in reversed(near) if cue.end <= target.start and self._reaches(cue, target)]
        behind = [cue for cue in near if cue.start >= target.end and self._reaches_back(cue, target)]
        reaching = before + behind
        for cue in reaching:
            if _kind(cue, target) != "negation":
                return "hypothetical", self._span(cue)
        if negative := self._negative_result(target):
            return "negated", negative
        if reaching and not self._is_undone(reaching[0]):
            return "negated", self._span(reaching[0])
        return "affirmed", None

    def _span(self, cue: _Cue) -> Span:
        return self._begin + cue.start, self._begin + cue.end

    def _negative_result(self, target: Mention) -> Span | None:
        """Return the span of a negative result right behind a finding; behind a test it is the result itself."""
        result = words.NEGATIVE.match(self._text, target.end)
        if result is None or target.label not in FINDINGS:
            return None
        return self._begin + result.start(), self._begin + result.end()

    def _is_condition(self, cue: _Cue) -> bool:
        """Return whether 如 is "if": at the beginning of a clause or before a verb; in brackets it is "such as"."""
        before = self._masked[max(cue.start - 1, 0) : cue.start]
        if before in ("(", "（", "、"):
            return False
        behind = self._masked[cue.end : cue.end + 1]
        if behind == words.MENTION:
            first = next(mention for mention in self._mentions if mention.end > cue.end)
            is_observed = first.label in FINDINGS | _TESTS and self._comma_after(cue.end) < len(self._masked)
            # A list is one of examples, and so is a lone mention but for the beginning of a sentence.
            alone = self._masked[first.end : first.end + 1]
            examples = "、(（等和及或" if before == "" else "、(（等和及或，,。；;"
            return is_observed and before in ("", "，", ",", "；") and alone not in examples
        return bool(words.AS_CONDITION.match(behind))

    def _is_undone(self, cue: _Cue) -> bool:
        """Return whether another negation stands shortly before, with neither a mention nor a comma between them."""
        if cue.kind != "negation":
            return False
        for other in self._cues:
            between = self._masked[other.end : cue.start]
            near = 0 <= cue.start - other.end <= SECOND_NEGATION
            if other.kind == "negation" and near and not re.search(rf"[{words.MENTION}，,、]", between):
                return True
        return False

    def _reaches(self, cue: _Cue, target: Mention) -> bool:
        """Return whether a cue reaches a mention behind it."""
        gap = self._masked[cue.end : target.start]
        if any(backward.fullmatch(cue.text) for backward in (words.BACKWARD_ONLY, words.OPEN_RELATION, words.NOT_FOR)):
            return False
        if words.TERMINATOR.search(gap):
            return False
        if cue.kind == "aim":
            return self._is_in_aim(cue.end, target.start)
        if cue.kind == "negation":
            if _ADVISES_AGAINST.match(cue.text) and not self._is_act(target):
                return False
            return self._is_in_list(cue, target) and not self._is_denied_change(cue, target)
        if cue.text in words.ACT_CUES and not self._is_act(target):
            return False
        if cue.text in words.EVENT_CUES and target.label in _NO_EVENTS:
            return False
        if words.LIST_CUES.fullmatch(cue.text):
            return self._is_in_list(cue, target)
        if words.CONDITION.fullmatch(cue.text) and words.STOPS_HYPOTHESIS.search(gap):
            return False
        # 诊断考虑：…
        start = cue.end + 1 if gap.startswith(("：", ":")) else cue.end
        return not self._has_comma(start, target.start) or self._is_in_list(cue, target)

    def _is_act(self, target: Mention) -> bool:
        is_of_person = re.match("的?(?:患者|者|病人|人群|的患者)", self._masked[target.end :])
        return target.label not in FINDINGS and not is_of_person

    def _is_in_aim(self, start: int, end: int) -> bool:
        """Return whether an aim continues up to an offset: over commas only where the next clause says so."""
        return all(words.AIM_GOES_ON.match(self._masked, comma + 1) for comma in self._commas if start <= comma < end)

    def _is_denied_change(self, cue: _Cue, target: Mention) -> bool:
        """Return whether a change, a difference or a correlation is denied, or a test found nothing."""
        sees = bool(_SEES.fullmatch(cue.text))
        if sees and target.label == "Test":
            return True
        rest = self._masked[target.end : self._comma_after(target.end)]
        if _CHANGED.match(rest) or (sees and cue.text != "无" and _CORRELATION.search(rest)):
            return True
        return bool(_LACKS.match(cue.text) and _EVIDENCE.search(rest))

    def _is_in_list(self, cue: _Cue, target: Mention) -> bool:
        """Return whether a mention is on the list that begins behind a cue."""
        first = bisect_left(self._starts, cue.end)
        last = bisect_right(self._starts, target.start) - 1
        if last < first:
            return False
        head = self._mentions[first]
        gap = self._masked[cue.end : head.start]
        if cue.text == "非" and target != head:
            return False
        if gap.count(")") + gap.count("）") > gap.count("(") + gap.count("（"):
            return False
        if len(gap) > FARTHEST or self._has_comma(cue.end, head.start) or _FIRST_STOPS.search(gap):
            return False
        return last <= self._list_end(first, cue.text in ("排除", "剔除", "除外"))

    def _list_end(self, first: int, of_persons: bool) -> int:
        """Return the index of the last mention of the list that begins with a mention.

        Only the group of the first mention matters, so that one pass finds the ends of all lists of a group.
        """
        group = _group(self._mentions[first])
        if (group, of_persons) not in self._list_ends:
            pairs = pairwise(self._mentions)
            self._list_ends[group, of_persons] = _run_ends(self._goes_on(*pair, group, of_persons) for pair in pairs)
        return self._list_ends[group, of_persons][first]

    def _goes_on(self, first: Mention, second: Mention, group: str, of_persons: bool) -> bool:
        """Return whether a list of a group continues from one mention to the next."""
        gap = self._masked[first.end : second.start]
        if self._has_comma(first.end, second.start):
            return self._is_bare(first.end, second, of_persons) and _group(second) in (group, "modifier")
        return not ("的" in gap or len(gap) > FARTHEST_IN_LIST or words.STOPS_LIST.search(gap))

    def _is_bare(self, start: int, second: Mention, of_persons: bool) -> bool:
        """Return whether from `start` to the end of a mention's clause there are mentions and connecting words alone.

        If persons are excluded, the list may end with them (排除…，…者).
        """
        end = self._comma_after(second.end)
        between = _COMMA.sub("", self._masked[start:end]).rstrip("。；;！!\n" + "者患" * of_persons)
        tail = self._text[second.start : second.end]
        return not words.FILLER.sub("", between) and not _PREDICATE.search(tail)

    def _reaches_back(self, cue: _Cue, target: Mention) -> bool:
        """Return whether a cue reaches a mention before it."""
        gap = self._masked[target.end : cue.start]
        if _CONTRAST.search(gap) or self._has_comma(target.end, cue.start):
            return False
        if words.OPEN_RELATION.fullmatch(cue.text):
            return len(gap) <= FARTHEST_OPEN and self._is_open(cue, gap)
        first, behind = bisect_left(self._starts, target.start), bisect_left(self._starts, cue.start)
        if first < behind and self._connected_ends[first] < behind - 1:
            return False
        # A mention of a line break alone is empty here, and may begin where the cue does.
        distance = cue.start - max((mention.end for mention in self._mentions[first:behind]), default=target.end)
        if words.NOT_FOR.fullmatch(cue.text):
            return distance <= FARTHEST_BEHIND and _group(target) == "act"
        if cue.kind == "negation":
            return distance <= FARTHEST_BEHIND and self._denies_subject(cue, target)
        if cue.text == "可能":
            return distance == 0 and self._ends_clause(cue)
        if cue.text in "吗？?":
            return distance == 0 and not self._asks(0, target.start)
        if cue.text in words.EVENT_CUES and target.label in _NO_EVENTS:
            return False
        if cue.text in ("风险", "危险", "高危", "可能性"):
            return distance <= FARTHEST_RISK and "因素" not in gap
        if cue.text == "预防":
            return distance <= FARTHEST_RISK and self._ends_clause(cue) and not self._asks(target.end, cue.start)
        is_backward = words.BACKWARD_ONLY.fullmatch(cue.text) or cue.text.endswith(("排除", "除外", "否定"))
        return bool(is_backward) and distance <= FARTHEST_BEHIND and self._ends_clause(cue)

    def _asks(self, start: int, end: int) -> bool:
        return bool(words.QUESTION.search(self._text, start, end))

    def _is_open(self, cue: _Cue, gap: str) -> bool:
        """Return whether a relation is open, and not merely the cause of something certain."""
        if words.UNKNOWN_CAUSE.search(gap):
            return False
        ends = re.match(r"[，,。；;！!\n的]|$", self._masked[cue.end :])
        return not words.UNCLEAR.fullmatch(cue.text) or bool(ends and words.RELATED.search(gap))

    def _denies_subject(self, cue: _Cue, target: Mention) -> bool:
        """Return whether a negation at a clause end denies its subject; a test is denied only if it was not done."""
        return self._ends_clause(cue) and (target.label not in _TESTS or bool(words.NOT_DONE.fullmatch(cue.text)))

    def _ends_clause(self, cue: _Cue) -> bool:
        return bool(words.TAIL.match(self._masked[cue.end : self._comma_after(cue.end)]))

    def _has_comma(self, start: int, end: int) -> bool:
        return self._comma_after(start) < end

    def _comma_after(self, offset: int) -> int:
        index = bisect_left(self._commas, offset)
        return self._commas[index] if index < len(self._commas) else len(self._masked)


def _run_ends(links: Iterable[bool]) -> list[int]:
    """Return for each element of a sequence the index of the last one that an unbroken run of links leads to.

    Parameters
    ----------
    links
        Whether each element is linked to the next one.
    """
    links = list(links)
    ends = list(range(len(links) + 1))
    for index in reversed(range(len(links))):
        if links[index]:
            ends[index] = ends[index + 1]
    return ends


def _hidden(found: str) -> str:
    return "".join(character if character == words.MENTION else _HIDDEN for character in found)


def _kind(cue: _Cue, target: Mention) -> str:
    """Return the kind of a cue for a mention: to avoid a drug negates it, to avoid an event leaves it open."""
    if cue.text == "避免" and target.label in _ACTS:
        return "negation"
    return cue.kind


def _group(mention: Mention) -> str:
    groups = (("finding", FINDINGS), ("test", _TESTS), ("act", _ACTS), ("modifier", _MODIFIERS))
    return next((name for name, labels in groups if mention.label in labels), mention.label)
