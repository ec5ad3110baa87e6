"""Windows of ids and tags."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.document import Document, Entity
from suwen.schemes import BIO, BIOES, scheme_named
from suwen.tagging.encode import Featurizer, encode_gold, prepare
from suwen.tagging.vocabulary import CharacterVocabulary
from suwen.text.view import ViewRules
from suwen.text.windows import WindowRules

LABELS = ("Drug", "Anatomy", "Disease")
TEXT = "患者口服二甲双胍。糖尿病足患者血糖升高。"


def featurizer(text: str = TEXT, special_tokens: bool = False) -> Featurizer:
    return Featurizer(CharacterVocabulary.from_texts([text], 1), special_tokens=special_tokens)


def tagged(document: Document, rules: WindowRules, special_tokens: bool = False, scheme=BIO):
    prepared = prepare(document.text, ViewRules(), rules)
    return encode_gold(document.entities, prepared, featurizer(document.text, special_tokens), scheme, LABELS)


def test_encode_tags_each_sentence_on_its_own() -> None:
    document = Document("d", TEXT, (Entity("Drug", 4, 8), Entity("Disease", 9, 13)))
    examples, losses = tagged(document, WindowRules())
    tags = BIO.tags(LABELS)
    assert [[tags[i] for i in example.tags] for example in examples] == [
        BIO.encode(9, [("Drug", 4, 8)]),
        BIO.encode(11, [("Disease", 0, 4)]),
    ]
    assert (losses.entities, dict(losses.lost), losses.expressible) == (2, {}, 1.0)


def test_encode_puts_special_tokens_around_a_window() -> None:
    document = Document("d", TEXT, (Entity("Drug", 4, 8),))
    examples, _ = tagged(document, WindowRules(), special_tokens=True)
    vocabulary = featurizer().characters
    ids = examples[0].inputs["input_ids"].tolist()
    assert (ids[0], ids[-1]) == (vocabulary.id("[CLS]"), vocabulary.id("[SEP]"))
    assert examples[0].core == (1, 10)


def test_encode_reads_neighboring_text_but_does_not_decide_it() -> None:
    document = Document("d", TEXT, (Entity("Drug", 4, 8),))
    examples, _ = tagged(document, WindowRules(context=3))
    assert [len(example.inputs["input_ids"]) for example in examples] == [12, 14]
    assert [example.core for example in examples] == [(0, 9), (3, 14)]


def test_encode_counts_overlaps_and_keeps_the_longer_entity() -> None:
    document = Document("d", TEXT, (Entity("Anatomy", 12, 13), Entity("Disease", 9, 13), Entity("Drug", 9, 13)))
    examples, losses = tagged(document, WindowRules())
    assert losses.lost == {"overlapping": 2}
    # The same span with two types: the first label of the label set stays.
    assert [BIO.tags(LABELS)[i] for i in examples[1].tags[:4]] == ["B-Drug"] + ["I-Drug"] * 3


def test_encode_counts_entities_across_a_sentence_end() -> None:
    document = Document("d", TEXT, (Entity("Disease", 6, 11), Entity("Drug", 4, 6)))
    examples, losses = tagged(document, WindowRules())
    assert losses.lost == {"crosses a sentence end": 1}
    assert sum(int((example.tags > 0).sum()) for example in examples) == 2


def test_encode_keeps_an_entity_across_a_sentence_end_when_both_are_packed() -> None:
    document = Document("d", TEXT, (Entity("Disease", 6, 11),))
    _, losses = tagged(document, WindowRules(pack=100))
    assert losses.lost == {}


def test_encode_counts_entities_across_a_paragraph_end_also_when_packed() -> None:
    document = Document("d", "糖尿\n病人", (Entity("Disease", 0, 4), Entity("Drug", 4, 5)))
    examples, losses = tagged(document, WindowRules(pack=100))
    assert losses.lost == {"crosses a sentence end": 1}
    assert [BIO.tags(LABELS)[i] for i in examples[0].tags] == ["O"] * 4 + ["B-Drug"]


@pytest.mark.parametrize(
    ("line", "mark"),
    [
        ("1、糖尿病", "1、"),
        ("1、2型糖尿病", "1、"),
        ("3、4级高血压", ""),
        ("2. 2型糖尿病", "2. "),
        ("2.肾病", "2."),
        ("2.5 mg", ""),
        ("2. 5 mg", ""),
        ("3）肾病", "3）"),
        ("（4） 肾病", "（4） "),
        ("（一）肾病", "（一）"),
        ("一、肾病", "一、"),
        ("二、三尖瓣", ""),
        ("①肾病", "①"),
        ("•\u3000怕热", "•\u3000"),
        ("- 怕热", "- "),
        ("-20 ℃", ""),
        ("•", ""),
        ("24h尿蛋白", ""),
    ],
)
def test_encode_leaves_the_marks_of_items_outside(line, mark) -> None:
    for before in ("", "出院诊断：\n\n"):
        prepared = prepare(f"{before}{line}\n\n无特殊", ViewRules(), WindowRules(pack=80))
        decoded = [prepared.view.text[begin:end] for begin, end in prepared.blocks[0].paragraphs]
        assert decoded[-2:] == [line.removeprefix(mark), "无特殊"]
    # Not in the middle of a paragraph: that a sentence begins there is no matter.
    (block,) = prepare(f"无特殊。{line}", ViewRules(), WindowRules(pack=80)).blocks
    assert block.paragraphs == ((0, block.end),)


def test_encode_counts_an_entity_with_the_mark_of_an_item() -> None:
    _, losses = tagged(Document("d", "1、糖尿病", (Entity("Disease", 0, 5), Entity("Disease", 2, 5))), WindowRules())
    assert losses.lost == {"overlapping": 1, "crosses a sentence end": 1}


def test_encode_counts_what_a_window_cuts() -> None:
    text = "甲" * 100
    document = Document("d", text, (Entity("Drug", 10, 90),))
    for scheme in (BIO, BIOES):
        examples, losses = tagged(document, WindowRules(length=40, overlap=10), scheme=scheme)
        assert losses.lost == {"cut by a window": 1}
        assert losses.expressible == 0.0
        names = scheme.tags(LABELS)
        for example in examples:
            tags = [None, *[names[i] for i in example.tags], None]
            assert all(scheme.allows(a, b) for a, b in pairwise(tags))


def test_encode_expresses_an_entity_across_a_wrapped_line() -> None:
    text = "该患者近三年以来一直长期规律口服盐酸二甲\n双胍缓释片控制空腹以及餐后两小时血糖水平,\n效果良好未见不良反应。"
    start, end = text.index("二"), text.index("胍") + 1
    document = Document("d", text, (Entity("Drug", start, end, ((start, 20), (21, end))),))
    examples, losses = tagged(document, WindowRules())
    assert losses.lost == {}
    assert sum(int((example.tags > 0).sum()) for example in examples) == 4


def test_encode_reads_a_bare_paragraph_break_as_a_comma() -> None:
    vocabulary = CharacterVocabulary.from_texts(["高血压，糖尿病。\n"], 1)
    featurizer = Featurizer(vocabulary)
    shown = featurizer.arrays("高血压\n糖尿病。\n高血压")["input_ids"]
    assert shown.tolist() == vocabulary.ids("高血压，糖尿病。\n高血压").tolist()


def test_encode_learns_only_from_owned_sentences() -> None:
    prepared = prepare(TEXT, ViewRules(), WindowRules(), [(9, 20)])
    assert [(block.start, block.end) for block in prepared.blocks] == [(9, 20)]


spans = st.tuples(st.sampled_from(LABELS), st.integers(0, 30), st.integers(1, 6)).map(
    lambda span: (span[0], span[1], span[1] + span[2])
)


@given(
    st.text(alphabet="甲乙。\n ab", max_size=60), st.lists(spans, max_size=8), st.sampled_from(["BIO", "BIOES", "BMES"])
)
def test_encode_loses_no_entity_uncounted(text: str, wanted, scheme_name: str) -> None:
    entities = tuple(Entity(*span) for span in wanted if span[2] <= len(text))
    document = Document("d", text, entities)
    scheme = scheme_named(scheme_name)
    examples, losses = tagged(document, WindowRules(length=20, overlap=4), scheme=scheme)
    names = scheme.tags(LABELS)
    found = sum(len(scheme.decode([names[i] for i in example.tags], "strict")) for example in examples)
    whole = losses.entities - sum(losses.lost.values())
    cut = losses.lost["cut by a window"]
    assert whole <= found
    assert found == whole or cut
