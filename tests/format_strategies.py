"""Arbitrary documents, as the tests of the formats need them."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st

from suwen.document import Attribute, Document, Entity, Note, Page, Relation

# Writing waits for the disk, which may be busy.
untimed = settings(deadline=None)

# Everything that has ever shifted an offset: emoji, combining marks, NUL, wide and odd spaces, every kind of line end.
ODD = list(
    "😀👨\u200d👩e\u0301\u0300\x00\u3000Ａ１①ⅡαμL\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e\r\n\t \ufeff\\_-;:#{}\"'𠮷\ue5e5"
)
texts = st.lists(
    st.one_of(
        st.sampled_from(ODD),
        st.just("\r\n"),
        st.sampled_from("糖尿病口服二甲双胍。"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=40,
).map("".join)
labels = st.sampled_from(["Drug", "Disease", "Test_Value", "SideEff-Drug", "药品"])
strings = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@st.composite
def entities(draw: st.DrawFn, length: int, odd: bool = True) -> Entity:
    """An entity somewhere in a text of that length, of one piece or several."""
    count = draw(st.integers(1, min(3, max(1, (length + 1) // 2))))
    cuts = (
        sorted(draw(st.sets(st.integers(0, length), min_size=2 * count, max_size=2 * count))) if length > 1 else [0, 1]
    )
    pieces = tuple(zip(cuts[::2], cuts[1::2], strict=True))
    return Entity(
        draw(labels),
        cuts[0],
        cuts[-1],
        pieces if len(pieces) > 1 else (),
        score=draw(st.none() | st.floats(0, 1)) if odd else None,
        annotated=draw(st.none() | strings) if odd else None,
    )


relations = st.builds(Relation, strings, strings, strings, st.none() | strings, st.none() | st.floats(0, 1))


@st.composite
def documents(draw: st.DrawFn, odd: bool = True) -> Document:
    """A document; with `odd`, with every field that only the native form holds."""
    text = draw(texts)
    found = draw(st.lists(entities(len(text), odd), max_size=5)) if text else []
    if not odd:
        return Document("a", text, tuple(found))
    return Document(
        draw(strings.filter(bool)),
        text,
        tuple(found),
        tuple(draw(st.lists(relations, max_size=2))),
        draw(st.none() | strings),
        tuple(draw(st.lists(st.builds(Page, st.integers(1, 9), st.integers(0, 9), st.integers(0, 9)), max_size=2))),
        tuple(draw(st.lists(st.builds(Attribute, strings, strings, strings, st.none() | strings), max_size=2))),
        tuple(draw(st.lists(st.builds(Note, strings, strings, strings, strings), max_size=2))),
        draw(
            st.dictionaries(
                strings, st.recursive(st.none() | st.booleans() | st.integers() | strings, st.lists), max_size=2
            )
        ),
    )
