"""Tagging schemes as declarations: BIO, BIOES, BMES.

A scheme says with which prefixes a mention of one or more units is written and which prefix may follow which. Encoding,
decoding, the CRF's transition mask and the CoNLL reader all read the same declaration.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from suwen.errors import SuwenError

__all__ = [
    "BIO",
    "BIOES",
    "BMES",
    "ILLEGAL_POLICIES",
    "SCHEMES",
    "IllegalPolicy",
    "Scheme",
    "flatten",
    "scheme_named",
    "scheme_of",
]

LabelSpan = tuple[str, int, int]
ScoredSpan = tuple[str, int, int, float]
"""Label, start, end, confidence in [0, 1]."""
IllegalPolicy = Literal["conlleval", "strict", "error"]
ILLEGAL_POLICIES: tuple[IllegalPolicy, ...] = ("conlleval", "strict", "error")
"""The policy for tag sequences that the scheme does not allow.

``conlleval``: a mention begins wherever the label changes, as in CoNLL's scorer and seqeval's default mode.
``strict``: only sequences written as the scheme demands are mentions, as in seqeval's ``mode="strict"``.
``error``: the first illegal tag raises S207.
"""


@dataclass(frozen=True, slots=True)
class Scheme:
    """A tagging scheme.

    Parameters
    ----------
    name
        Its usual name.
    begin, inside, end, single
        The prefixes of the first, the middle and the last unit of a mention, and of a mention of one unit.
    """

    name: str
    begin: str
    inside: str
    end: str
    single: str

    @property
    def prefixes(self) -> tuple[str, ...]:
        """The distinct prefixes, in the order begin, inside, end, single."""
        return tuple(dict.fromkeys((self.begin, self.inside, self.end, self.single)))

    def tags(self, labels: Iterable[str]) -> tuple[str, ...]:
        """Return all tags for these labels: ``O`` first, then label by label (31 for LCDD's 15 labels in BIO)."""
        return ("O", *(f"{prefix}-{label}" for label in labels for prefix in self.prefixes))

    def mention(self, label: str, length: int) -> list[str]:
        """Return the tags of a mention of `length` units."""
        if length == 1:
            return [f"{self.single}-{label}"]
        return [f"{self.begin}-{label}", *[f"{self.inside}-{label}"] * (length - 2), f"{self.end}-{label}"]

    def encode(self, length: int, spans: Iterable[LabelSpan]) -> list[str]:
        """Return the tag sequence of `length` units with these non-overlapping ``(label, start, end)`` spans."""
        tags = ["O"] * length
        for label, start, end in spans:
            tags[start:end] = self.mention(label, end - start)
        return tags

    def allows(self, previous: str | None, following: str | None) -> bool:
        """Return whether `following` may stand after `previous`; None is the edge of the sequence."""
        before, label_before = split_tag(previous)
        after, label_after = split_tag(following)
        may_continue = before in (self.begin, self.inside)
        # In BIO the first and the middle prefix also close a mention: it may end after any of its tags.
        may_end = before in ("", self.end, self.single)
        if after in ("", self.begin, self.single):
            return may_end
        return may_continue and label_before == label_after

    def decode(self, tags: Sequence[str], illegal: IllegalPolicy = "conlleval") -> list[LabelSpan]:
        """Return the mentions of a tag sequence as ``(label, start, end)``, in order.

        Raises
        ------
        SuwenError
            S207 under the policy ``error``.
        """
        if illegal == "conlleval":
            return self._decode_leniently(tags)
        spans: list[LabelSpan] = []
        start = None
        for i, tag in enumerate([*tags, None]):
            previous = tags[i - 1] if i else None
            legal = self.allows(previous, tag)
            if not legal and illegal == "error":
                raise SuwenError("S207", tag=tag or "the end", previous=previous or "the beginning")
            prefix = split_tag(tag)[0]
            continues = prefix != "" and prefix not in (self.begin, self.single)
            if start is not None and not (continues and legal):
                # The mention that was open ends here; whether it counts depends on its last tag.
                if split_tag(previous)[0] in (self.end, self.single) or self.end == self.inside:
                    spans.append((split_tag(previous)[1], start, i))
                start = None
            if prefix in (self.begin, self.single):
                start = i
        return spans

    def _decode_leniently(self, tags: Sequence[str]) -> list[LabelSpan]:
        spans: list[LabelSpan] = []
        start, label = None, ""
        for i, tag in enumerate([*tags, None]):
            prefix, following = split_tag(tag)
            begins = prefix != "" and (
                start is None
                or following != label
                or prefix in (self.begin, self.single)
                or self._closes(split_tag(tags[i - 1])[0])
            )
            if start is not None and (prefix == "" or begins):
                spans.append((label, start, i))
                start = None
            if begins:
                start, label = i, following
        return spans

    def _closes(self, prefix: str) -> bool:
        return prefix in (self.end, self.single) and prefix not in (self.begin, self.inside)


def split_tag(tag: str | None) -> tuple[str, str]:
    """Return prefix and label of a tag; both empty for ``O`` and for the edge of a sequence."""
    if tag is None or tag == "O":
        return "", ""
    prefix, _, label = tag.partition("-")
    return prefix, label


BIO = Scheme("BIO", begin="B", inside="I", end="I", single="B")
BIOES = Scheme("BIOES", begin="B", inside="I", end="E", single="S")
BMES = Scheme("BMES", begin="B", inside="M", end="E", single="S")
SCHEMES = {scheme.name: scheme for scheme in (BIO, BIOES, BMES)}


def scheme_of(tags: Iterable[str]) -> Scheme:
    """Return the first scheme that has the prefixes of all tags.

    Raises
    ------
    SuwenError
        S206 when none has.
    """
    prefixes = {split_tag(tag)[0]: tag for tag in tags}
    fitting = (scheme for scheme in SCHEMES.values() if prefixes.keys() <= {"", *scheme.prefixes})
    found = next(fitting, None)
    if found is None:
        reason = f"no scheme ({', '.join(SCHEMES)}) has all of {', '.join(sorted(prefixes.values()))}"
        raise SuwenError("S206", reason=reason, form="O, or a prefix and a label as in B-Drug")
    return found


def flatten(spans: Iterable[LabelSpan], order: Sequence[str] = ()) -> tuple[list[LabelSpan], list[LabelSpan]]:
    """Choose spans that do not overlap, since a tag sequence holds one per unit.

    The longest is taken first, then the earlier, then by the place of its label in `order`, then by label. A span that
    occurs twice counts once.

    Returns
    -------
    tuple[list[LabelSpan], list[LabelSpan]]
        The kept spans and the dropped ones, both from left to right.
    """
    rank = {label: i for i, label in enumerate(order)}
    distinct = set(spans)
    by_length = sorted(distinct, key=lambda span: (span[1] - span[2], span[1], rank.get(span[0], len(rank)), span[0]))
    taken = bytearray(max((span[2] for span in distinct), default=0))
    kept: list[LabelSpan] = []
    dropped: list[LabelSpan] = []
    for label, start, end in by_length:
        free = taken.find(1, start, end) < 0
        (kept if free else dropped).append((label, start, end))
        if free:
            taken[start:end] = b"\1" * (end - start)
    return sorted(kept, key=lambda span: span[1]), sorted(dropped, key=lambda span: span[1:])


def scheme_named(name: str) -> Scheme:
    """Return the scheme of that name, in any case.

    Raises
    ------
    SuwenError
        S404 when there is none.
    """
    try:
        return SCHEMES[name.upper()]
    except KeyError:
        raise SuwenError("S404", what="tagging scheme", name=name, known=", ".join(SCHEMES)) from None
