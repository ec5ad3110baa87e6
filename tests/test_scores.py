from __future__ import annotations

import json
import warnings
from collections import Counter
from itertools import permutations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from seqeval.metrics import sequence_labeling, v1
from seqeval.scheme import IOB2, IOBES

from suwen.corpus.split import Selection, whole
from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.evaluation.scores import (
    Pair,
    Score,
    match_overlapping,
    pair_documents,
    score_selections,
    strict_scores,
    training_mentions,
)
from suwen.evaluation.strict import strict_counts
from suwen.schemes import BIO, BIOES, IllegalPolicy, Scheme

TEXT = "口服二甲双胍0.5g\n每日三次,血糖下降。"
LABELS = ("Drug", "Amount", "Test")


def pair(gold: list[Entity], predicted: list[Entity], text: str = TEXT, spans=None, name: str = "a") -> Pair:
    document = Document(name, text, tuple(gold))
    selection = whole([document])[0] if spans is None else Selection(document, tuple(spans))
    return Pair(selection, Document(name, text, tuple(predicted)))


def mentions(length: int = len(TEXT)) -> st.SearchStrategy[list[Entity]]:
    spans = st.tuples(st.integers(0, length - 1), st.integers(1, 6)).map(lambda s: (s[0], min(s[0] + s[1], length)))
    return st.lists(st.builds(lambda label, span: Entity(label, *span), st.sampled_from(LABELS), spans), max_size=9)


pairs_of_mentions = st.lists(st.tuples(mentions(), mentions()), min_size=1, max_size=4).map(
    lambda sides: [pair(*both, name=str(i)) for i, both in enumerate(sides)]
)


@given(pairs_of_mentions)
def test_scores_strict_is_a_set_of_label_and_hull_per_document(pairs):
    matched, gold, predicted = Counter(), Counter(), Counter()
    for one in pairs:
        ours = {(entity.label, entity.start, entity.end) for entity in one.gold.document.entities}
        theirs = {(entity.label, entity.start, entity.end) for entity in one.predicted.entities}
        for counter, keys in ((matched, ours & theirs), (gold, ours), (predicted, theirs)):
            counter.update(label for label, _, _ in keys)
    scores = strict_scores(pairs)
    assert scores.micro == Score(matched.total(), gold.total(), predicted.total())
    labels = set(gold) | set(predicted)
    assert scores.by_type == {label: Score(matched[label], gold[label], predicted[label]) for label in labels}


def test_scores_ratios_follow_from_the_counts():
    score = Score(matched=2, gold=4, predicted=5)
    assert (score.precision, score.recall) == (0.4, 0.5)
    assert score.f1 == pytest.approx(2 * 0.4 * 0.5 / 0.9)
    assert Score(0, 0, 0).precision == Score(0, 0, 0).recall == Score(0, 0, 0).f1 == 0.0


def test_scores_duplicates_count_once_and_nested_gold_each():
    drug, inner = Entity("Drug", 2, 6), Entity("Drug", 2, 4)
    scores = strict_scores([pair([drug, drug, inner, Entity("Test", 2, 6)], [drug, drug])])
    assert scores.micro == Score(matched=1, gold=3, predicted=1)


def test_scores_hull_decides_whatever_the_fragments():
    broken = Entity("Amount", 6, 12, fragments=((6, 10), (11, 12)))
    assert strict_scores([pair([broken], [Entity("Amount", 6, 12)])]).micro == Score(1, 1, 1)


def test_scores_types_come_by_frequency_in_gold():
    gold = [Entity("Test", 0, 1), Entity("Drug", 2, 6), Entity("Drug", 3, 6), Entity("Amount", 6, 10)]
    assert list(strict_scores([pair(gold, [Entity("Level", 1, 2)])]).by_type) == ["Drug", "Amount", "Test", "Level"]


tags_of = {scheme: st.lists(st.sampled_from(scheme.tags(LABELS)), min_size=12, max_size=12) for scheme in (BIO, BIOES)}


@pytest.mark.parametrize("policy", ["conlleval", "strict"])
@pytest.mark.parametrize(("scheme", "seqeval_scheme"), [(BIO, IOB2), (BIOES, IOBES)])
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_scores_equal_seqeval(scheme: Scheme, seqeval_scheme: type, policy: IllegalPolicy, data):
    sequences = st.lists(tags_of[scheme], min_size=3, max_size=3)
    gold, noise = data.draw(sequences), data.draw(sequences)
    kept = data.draw(st.lists(st.lists(st.booleans(), min_size=12, max_size=12), min_size=3, max_size=3))
    predicted = [
        [tag if keep else other for tag, other, keep in zip(*row, strict=True)]
        for row in zip(gold, noise, kept, strict=True)
    ]

    def entities(tags: list[str]) -> list[Entity]:
        return [Entity(*span) for span in scheme.decode(tags, policy)]

    pairs = [
        pair(entities(ours), entities(theirs), "字" * 12, name=str(i))
        for i, (ours, theirs) in enumerate(zip(gold, predicted, strict=True))
    ]
    scores = strict_scores(pairs)
    assume(scores.by_type)

    def expected(average):
        if policy == "strict":
            return v1.precision_recall_fscore_support(gold, predicted, average=average, scheme=seqeval_scheme)
        return sequence_labeling.precision_recall_fscore_support(gold, predicted, average=average)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        micro, macro, by_type = expected("micro"), expected("macro"), expected(None)
    assert (scores.micro.precision, scores.micro.recall, scores.micro.f1) == pytest.approx(micro[:3])
    assert (scores.macro_precision, scores.macro_recall, scores.macro_f1) == pytest.approx(macro[:3])
    ours = [scores.by_type[label] for label in sorted(scores.by_type)]
    assert [score.precision for score in ours] == pytest.approx(list(by_type[0]))
    assert [score.recall for score in ours] == pytest.approx(list(by_type[1]))
    assert [score.f1 for score in ours] == pytest.approx(list(by_type[2]))
    assert [score.gold for score in ours] == list(by_type[3])


def test_scores_count_only_what_the_part_owns():
    gold = [Entity("Drug", 2, 6), Entity("Test", 16, 18)]
    one = pair(gold, [Entity("Drug", 2, 6), Entity("Test", 16, 18), Entity("Amount", 6, 10)], spans=[(11, len(TEXT))])
    assert strict_scores([one]).micro == Score(1, 1, 1)


def test_scores_counts_by_unit_add_up():
    gold = [Entity("Drug", 2, 6), Entity("Amount", 6, 10), Entity("Test", 16, 18)]
    one = pair(gold, [Entity("Drug", 2, 6), Entity("Test", 17, 18)], spans=[(0, 5), (5, 11), (11, len(TEXT))])
    counts = strict_counts([one, one])
    assert counts.counts.shape == (6, 3, 3)
    assert counts.counts.sum(axis=1)[:3].tolist() == [[1, 1, 1], [0, 1, 0], [0, 1, 1]]
    assert counts.scores().micro == Score(2, 6, 4)


def most_pairs(first: list[tuple[int, int]], second: list[tuple[int, int]]) -> int:
    if len(first) > len(second):
        first, second = second, first
    return max(
        sum(a < d and c < b for (a, b), (c, d) in zip(first, order, strict=False))
        for order in permutations(second, len(first))
    )


spans_strategy = st.lists(
    st.tuples(st.integers(0, 12), st.integers(1, 9)).map(lambda s: (s[0], s[0] + s[1])), max_size=5
)


@given(spans_strategy, spans_strategy)
def test_scores_overlap_matching_is_one_to_one_and_the_largest(first, second):
    found = match_overlapping(first, second)
    assert len({i for i, _ in found}) == len({j for _, j in found}) == len(found) == most_pairs(first, second)
    assert all(first[i][0] < second[j][1] and second[j][0] < first[i][1] for i, j in found)


def test_scores_overlap_does_not_depend_on_the_order():
    # In order of appearance the long prediction would take the first gold mention and leave the short one alone.
    gold = [Entity("Drug", 2, 6), Entity("Drug", 6, 10)]
    predicted = [Entity("Drug", 2, 10), Entity("Drug", 2, 4)]
    assert score_selections([pair(gold, predicted)]).overlap == Score(2, 2, 2)


def test_scores_views_differ_as_named():
    gold = [Entity("Drug", 2, 6), Entity("Amount", 6, 10), Entity("Test", 16, 18), Entity("Test", 18, 20)]
    predicted = [Entity("Drug", 2, 6), Entity("Drug", 6, 10), Entity("Test", 17, 18), Entity("Drug", 19, 20)]
    scores = score_selections([pair(gold, predicted)])
    assert scores.strict.micro == Score(1, 4, 4)
    assert scores.overlap == Score(2, 4, 4)
    assert scores.type_blind_strict == Score(2, 4, 4)
    assert scores.type_blind_overlap == Score(4, 4, 4)


def test_scores_type_blind_counts_a_hull_with_two_labels_once():
    scores = score_selections([pair([Entity("Drug", 2, 6), Entity("Test", 2, 6)], [Entity("Test", 2, 6)])])
    assert scores.type_blind_strict == scores.type_blind_overlap == Score(1, 1, 1)


def test_scores_tokens_compare_full_tags():
    # 二甲双胍: gold B I I I, predicted O B I I: two of four tags match.
    scores = score_selections([pair([Entity("Drug", 2, 6)], [Entity("Drug", 3, 6)])]).tokens
    assert scores.without_o == Score(matched=2, gold=4, predicted=3)
    visible = len(TEXT) - 1
    assert scores.characters == visible
    assert scores.accuracy == pytest.approx((visible - 2) / visible)


def test_scores_tokens_leave_white_space_out():
    text = "二甲 \n双胍\u3000片"
    whole_hull = Entity("Drug", 0, 6)
    pieces = Entity("Drug", 0, 6, fragments=((0, 2), (4, 6)))
    spaced = Entity("Drug", 3, 6)
    scores = score_selections([pair([whole_hull], [pieces], text), pair([spaced], [Entity("Drug", 4, 6)], text)])
    assert scores.tokens.without_o == Score(6, 6, 6)
    assert (scores.tokens.characters, scores.tokens.accuracy) == (10, 1.0)


def test_scores_tokens_count_only_owned_characters():
    one = pair([Entity("Drug", 2, 6)], [], spans=[(0, 4)])
    assert score_selections([one]).tokens.without_o == Score(0, 2, 0)
    assert score_selections([one]).tokens.characters == 4


def test_scores_tokens_count_what_flat_tags_cannot_show():
    gold = [Entity("Drug", 2, 6), Entity("Drug", 2, 6), Entity("Drug", 2, 4), Entity("Test", 2, 6)]
    tokens = score_selections([pair(gold, [Entity("Drug", 2, 6)])]).tokens
    assert (tokens.flattened_gold, tokens.flattened_predicted) == (2, 0)
    assert tokens.without_o == Score(4, 4, 4)


def test_scores_tell_seen_from_unseen_mentions():
    training = training_mentions(
        whole([Document("t", "二甲\n双胍,血糖", (Entity("Drug", 0, 5), Entity("Test", 6, 8)))])
    )
    gold = [Entity("Drug", 2, 6), Entity("Amount", 6, 10), Entity("Drug", 16, 18)]
    predicted = [Entity("Drug", 2, 6), Entity("Test", 16, 18), Entity("Amount", 6, 9)]
    assert score_selections([pair(gold, predicted)], training).by_familiarity == {
        "seen": Score(1, 1, 2),
        "seen_with_another_type": Score(0, 1, 0),
        "unseen": Score(0, 1, 1),
    }
    assert score_selections([pair(gold, predicted)]).by_familiarity is None


@given(pairs_of_mentions)
def test_scores_views_agree_with_one_another(pairs):
    training = training_mentions([pairs[0].gold])
    scores = score_selections(pairs, training, resamples=20)
    strict = scores.strict.micro
    assert strict.matched <= scores.overlap.matched <= min(strict.gold, strict.predicted)
    assert scores.type_blind_strict.matched <= scores.type_blind_overlap.matched
    assert scores.by_familiarity is not None
    familiar = scores.by_familiarity.values()
    assert Score(*(sum(getattr(s, kind) for s in familiar) for kind in ("matched", "gold", "predicted"))) == strict
    assert scores.tokens.without_o.matched <= scores.tokens.equal_tags <= scores.tokens.characters


@given(mentions())
def test_scores_of_gold_itself_are_perfect(entities):
    scores = score_selections([pair(entities, entities)], resamples=20)
    views = (scores.strict.micro, scores.overlap, scores.type_blind_strict, scores.type_blind_overlap)
    assert all(view.matched == view.gold == view.predicted for view in (*views, scores.tokens.without_o))
    assert scores.tokens.accuracy == 1.0


def test_scores_name_every_view_in_json():
    values = score_selections([pair([Entity("Drug", 2, 6)], [])], {}).to_dict()
    assert json.loads(json.dumps(values)) == values
    assert list(values) == [
        "documents",
        "strict_entity",
        "strict_entity_micro_f1_interval",
        "strict_entity_by_familiarity",
        "overlap_entity",
        "type_blind_strict_entity",
        "type_blind_overlap_entity",
        "token_without_o",
        "tag_accuracy_with_o",
        "token_characters",
        "token_flattened_gold_entities",
        "token_flattened_predicted_entities",
        "reliability",
    ]


def test_scores_of_nothing_are_zero():
    scores = score_selections([])
    assert scores.strict.micro.f1 == scores.strict.macro_f1 == scores.tokens.accuracy == 0.0
    assert scores.strict_f1_interval is None
    assert score_selections([pair([], [], text="")]).strict.micro.f1 == 0.0


def test_scores_refuse_other_documents():
    gold = whole([Document("a", "甲"), Document("b", "乙")])
    with pytest.raises(SuwenError, match="S308 gold and prediction differ in 1 of 2 documents, not predicted: b"):
        pair_documents(gold, [Document("a", "甲")])
    with pytest.raises(SuwenError, match="S308 gold and prediction differ in the text of 'b' from character 0 on"):
        pair_documents(gold, [Document("a", "甲"), Document("b", "丙")])
    with pytest.raises(SuwenError, match="S308"):
        Pair(gold[0], Document("b", "甲"))
    assert len(pair_documents(gold, [Document(name, text) for name, text in zip("cba", "丙乙甲", strict=True)])) == 2
