import random
import subprocess
import sys
import threading
import time
import tracemalloc
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suwen.corpus.split import Selection, whole, whole_document
from suwen.document import Attribute, Document, Entity, Note, Page, Relation
from suwen.inference import predictor as module
from suwen.inference.predictor import Predictor, with_predictions
from suwen.model_folder import TaggerSettings
from suwen.schema import Schema
from suwen.schemes import BIO
from suwen.tagging.decode import Transitions, decode_spans, legal_transitions
from suwen.tagging.encode import Featurizer, prepare
from suwen.tagging.vocabulary import BigramVocabulary, CharacterVocabulary
from suwen.text.view import ViewRules
from suwen.text.windows import WindowRules

LABELS = ("Disease", "Drug")
TEXT = "患者口服二甲双胍治疗糖尿病。\n\n糖尿病者可用阿卡波糖,每日三次。停用二甲双胍后好转。"
CHARACTERS = CharacterVocabulary(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted(set(TEXT) - {"\n"})])


class ArbitraryScorer:
    """Scores that look random but follow from a character and its two neighbors; rubbish on padding.

    Integers divided by a power of two, so that no arithmetic of any batch shape rounds.
    """

    def __init__(self, tags):
        self.tags = tags
        self.batches = []

    def emissions(self, inputs):
        ids = inputs["input_ids"] * inputs["attention_mask"]
        self.batches.append(ids.shape)
        around = np.pad(ids, ((0, 0), (1, 1))).astype(np.int64)
        mixed = around[:, 1:-1] * 7919 + around[:, :-2] * 104729 + around[:, 2:] * 1299709
        if "bigram_ids" in inputs:
            mixed += inputs["bigram_ids"] * 15485863
        scores = (mixed[..., None] * (np.arange(self.tags) * 31 + 17) % 257) / np.float32(32)
        return np.where(inputs["attention_mask"][..., None] == 1, scores, 1e6).astype(np.float32)


class WordScorer:
    """Finds fixed words."""

    def __init__(self, tags, words):
        self.tags, self.words = tags, words

    def emissions(self, inputs):
        scores = np.zeros((*inputs["input_ids"].shape, len(self.tags)), np.float32)
        scores[..., 0] = 1
        for row, ids in enumerate(inputs["input_ids"].tolist()):
            for word, label in self.words.items():
                wanted = CHARACTERS.ids(word).tolist()
                for start in range(len(ids) - len(wanted) + 1):
                    if ids[start : start + len(wanted)] == wanted:
                        for i in range(len(wanted)):
                            tag = self.tags.index(f"{'I' if i else 'B'}-{label}")
                            scores[row, start + i, tag] = 9
        return scores


def tagger_settings(decoding="legal", windows=None, features=("input_ids",), special_tokens=False, transitions=None):
    windows = windows or WindowRules()
    schema = Schema.of_labels(LABELS)
    return TaggerSettings(schema, "BIO", ViewRules(), windows, features, special_tokens, decoding, transitions)


def arbitrary_predictor(batch_tokens=8192, special_tokens=False, workers=0, **options):
    chosen = tagger_settings(special_tokens=special_tokens, **options)
    scorer = ArbitraryScorer(len(chosen.tags))
    return Predictor(chosen, Featurizer(CHARACTERS, None, special_tokens), scorer, batch_tokens, workers)


def word_predictor(windows=None, special_tokens=False, **words):
    chosen = tagger_settings(windows=windows, special_tokens=special_tokens)
    return Predictor(chosen, Featurizer(CHARACTERS, None, special_tokens), WordScorer(chosen.tags, words))


def keys(document):
    return [(entity.key, entity.fragments, entity.id) for entity in document.entities]


WINDOWS = st.builds(WindowRules, length=st.just(12), overlap=st.just(4), context=st.sampled_from([0, 3]))
TEXTS = st.text(
    st.one_of(st.sampled_from(TEXT + "\r\n\u3000a1 "), st.characters(exclude_categories=["Cs"])), max_size=80
)
DECODINGS = st.sampled_from(["legal", "argmax"])


@given(TEXTS, WINDOWS, DECODINGS, st.booleans())
def test_predictor_offsets_are_those_of_the_text(text, windows, decoding, special_tokens):
    document = arbitrary_predictor(windows=windows, decoding=decoding, special_tokens=special_tokens)(text)
    assert document.text == text
    ends = 0
    for number, entity in enumerate(document.entities, start=1):
        assert ends <= entity.start < entity.end <= len(text)
        ends = entity.end
        assert entity.id == f"T{number}"
        assert 0 <= entity.score <= 1 + 1e-6
        if not entity.fragments:
            assert document.mention(entity) == text[entity.start : entity.end]


@settings(deadline=None)
@given(
    st.lists(TEXTS, max_size=6),
    WINDOWS,
    DECODINGS,
    st.integers(1, 60),
    st.integers(0, 3),
    st.randoms(use_true_random=False),
)
def test_predictor_result_depends_on_neither_batches_nor_threads_nor_order(
    texts, windows, decoding, batch_tokens, workers, shuffler
):
    documents = [Document(str(i), text) for i, text in enumerate(texts)]
    expected = {
        document.id: arbitrary_predictor(windows=windows, decoding=decoding)(document) for document in documents
    }
    shuffler.shuffle(documents)
    with patch.multiple(
        module, POOLED_CHARACTERS=4 * batch_tokens, DECODED_CHARACTERS=2 * batch_tokens, DECODED_PARAGRAPHS=3
    ):
        predictor = arbitrary_predictor(batch_tokens, windows=windows, decoding=decoding, workers=workers)
        found = list(predictor.pipe(documents))
    assert [document.id for document in found] == [document.id for document in documents]
    for document in found:
        assert keys(document) == keys(expected[document.id])
        scores = [entity.score for entity in document.entities]
        assert scores == pytest.approx([entity.score for entity in expected[document.id].entities], abs=1e-5)


class RoundingScorer(ArbitraryScorer):
    """Rounds otherwise in a batch of another shape, as real kernels do, only more so."""

    def emissions(self, inputs):
        rows, length = inputs["input_ids"].shape
        return super().emissions(inputs) + np.arange(self.tags, dtype=np.float32) * (rows * 31 + length) % 7 / 100


def test_predictor_decides_a_group_to_the_last_digit_whatever_is_around_it():
    documents = [Document(str(number), TEXT[number:] * (1 + number)) for number in range(9)]
    chosen = tagger_settings(windows=WindowRules(length=12, overlap=4))

    def found(groups, workers=0):
        predictor = Predictor(chosen, Featurizer(CHARACTERS), RoundingScorer(len(chosen.tags)), 64, workers)
        with patch.multiple(module, POOLED_CHARACTERS=256):
            return list(predictor.predict_groups(map(whole, groups)))

    groups = [documents[:1], documents[1:5], [], documents[5:]]
    expected = found(groups)
    assert [document.id for document in expected] == [document.id for document in documents]
    assert found(groups, workers=3) == expected
    assert found(groups[1:2]) == expected[1:5]
    assert found([documents]) != expected


def test_predictor_joins_what_soft_breaks_cut():
    text = "患者口服二甲双胍治疗糖尿病,可用阿卡\n波糖,每日三次。"
    document = word_predictor(阿卡波糖="Drug", 糖尿病="Disease")(text)
    assert [(entity.label, document.mention(entity)) for entity in document.entities] == [
        ("Disease", "糖尿病"),
        ("Drug", "阿卡波糖"),
    ]
    assert document.entities[1].fragments == ((16, 18), (19, 21))


@pytest.mark.parametrize("special_tokens", [False, True])
@pytest.mark.parametrize("windows", [WindowRules(), WindowRules(context=5), WindowRules(length=10, overlap=7)])
def test_predictor_takes_each_character_from_its_own_window(windows, special_tokens):
    document = word_predictor(windows, special_tokens, 二甲双胍="Drug", 糖尿病="Disease")(TEXT)
    found = [document.mention(entity) for entity in document.entities]
    assert found == ["二甲双胍", "糖尿病", "糖尿病", "二甲双胍"]


def test_predictor_lets_no_mention_cross_a_paragraph_break():
    class Everything:
        """Wants one mention from the first to the last character."""

        def emissions(self, inputs):
            scores = np.zeros((*inputs["input_ids"].shape, 5), np.float32)
            scores[:, 0, 1] = scores[:, 1:, 2] = 9
            return scores

    chosen = tagger_settings(windows=WindowRules(pack=100))
    predictor = Predictor(chosen, Featurizer(CHARACTERS), Everything())
    text = "糖尿病患者\n二甲双胍\n\n每日三次"
    assert [entity.key for entity in predictor(text).entities] == [
        ("Disease", 0, 5),
        ("Disease", 6, 10),
        ("Disease", 12, 16),
    ]


@given(TEXTS, st.randoms(use_true_random=False))
def test_predictor_decides_paragraphs_as_a_crf_that_knows_their_breaks(text, draw):
    """The same model finds the same where the tags between paragraphs are certain, which is what decoding assumes."""
    tags = BIO.tags(LABELS)
    legal = legal_transitions(tags, BIO)

    def weighted(scores):
        noise = np.array([draw.randrange(-64, 64) for _ in range(scores.size)]).reshape(scores.shape) / 32
        return np.where(scores == 0, noise, scores).astype(np.float32)

    transitions = Transitions(*map(weighted, (legal.start, legal.end, legal.matrix)))
    windows = WindowRules(length=200, pack=100)
    chosen = tagger_settings("crf", windows, transitions=transitions)
    predictor = Predictor(chosen, Featurizer(CHARACTERS), ArbitraryScorer(len(tags)))
    prepared = prepare(text, chosen.view, windows)
    expected = []
    for block in prepared.blocks:
        ids = predictor.featurizer.arrays(prepared.view.text[block.start : block.end])["input_ids"][None]
        scores = predictor.scorer.emissions({"input_ids": ids, "attention_mask": np.ones_like(ids)})
        for offset in range(block.start, block.end):
            # A paragraph break, or the mark of an item.
            if not any(begin <= offset < end for begin, end in block.paragraphs):
                scores[:, offset - block.start] = np.where(np.arange(len(tags)) == 0, 0, -1e3)
        (spans,) = decode_spans(scores, [block.end - block.start], transitions, tags, BIO)
        expected += [(label, block.start + start, block.start + end, score) for label, start, end, score in spans]
    expected = with_predictions(Document("text", text), prepared.view, expected)
    found = predictor(text)
    assert keys(found) == keys(expected)
    assert [entity.score for entity in found.entities] == pytest.approx(
        [entity.score for entity in expected.entities], abs=1e-4
    )


def test_predictor_replaces_entities_and_what_points_to_them_but_nothing_else():
    document = Document(
        "a/1",
        TEXT,
        (Entity("Disease", 0, 2, id="T1"), Entity("Drug", 2, 4, id="T2")),
        (Relation("Drug_Disease", "T2", "T1"),),
        "2020-1",
        (Page(1, 0, 10),),
        (Attribute("A1", "Negated", "T1"),),
        (Note("#1", "AnnotatorNotes", "T1", "?"),),
        {"year": 2020, "brat": ["T1\tDisease 0 2\t患者"]},
    )
    found = word_predictor(阿卡波糖="Drug")(document)
    assert [found.mention(entity) for entity in found.entities] == ["阿卡波糖"]
    assert (found.relations, found.attributes, found.notes) == ((), (), ())
    assert (found.id, found.text, found.group, found.pages) == ("a/1", TEXT, "2020-1", (Page(1, 0, 10),))
    assert found.meta == {"year": 2020}


def test_predictor_decides_only_sentences_that_begin_in_the_owned_spans():
    predictor = word_predictor(WindowRules(context=8), 二甲双胍="Drug", 糖尿病="Disease")
    document = Document("a", TEXT)
    second = TEXT.index("糖尿病者")
    third = TEXT.index("停用")
    everything, first, rest, nothing = predictor.predict(
        [
            whole_document(document),
            Selection(document, ((0, 5),)),
            Selection(document, ((second, third), (third, len(TEXT)))),
            Selection(document, ()),
        ]
    )
    assert [entity.start for entity in everything.entities] == [4, 10, second, third + 2]
    assert [entity.start for entity in first.entities] == [4, 10]
    assert [entity.start for entity in rest.entities] == [second, third + 2]
    assert nothing.entities == ()


@pytest.mark.parametrize("text", ["", " ", "\r\n\n \u3000", "\ufeff", "糖", "糖尿病"])
def test_predictor_takes_almost_empty_texts(text):
    assert arbitrary_predictor()(text).text == text


def test_predictor_takes_a_long_text_without_punctuation():
    text = "".join(random.Random(1).choices("口服二甲双胍糖尿病", k=100_000))
    document = word_predictor(二甲双胍="Drug")(text)
    assert len(document.entities) == text.count("二甲双胍") > 0
    assert all(document.mention(entity) == "二甲双胍" for entity in document.entities)


def test_predictor_refuses_a_single_text_in_the_place_of_many() -> None:
    predictor = arbitrary_predictor(workers=1)
    with pytest.raises(TypeError, match="call the model itself"):
        predictor.pipe("糖尿病")
    with pytest.raises(TypeError, match="not int"):
        list(predictor.pipe([1]))


def test_predictor_keeps_batches_within_the_budget_and_shares_them_between_documents():
    predictor = arbitrary_predictor(batch_tokens=100)
    list(predictor.pipe(Document(str(i), TEXT) for i in range(30)))
    assert all(rows == 1 or rows * width <= 100 for rows, width in predictor.scorer.batches)
    assert max(rows for rows, _ in predictor.scorer.batches) > 3


@pytest.mark.parametrize("workers", [0, 2])
def test_predictor_reads_only_a_little_ahead(monkeypatch, workers):
    monkeypatch.setattr(module, "POOLED_CHARACTERS", 1000)
    pools = 1 + (module.POOLS_AHEAD if workers else 0)
    read = 0

    def documents():
        nonlocal read
        for read in range(1, 501):
            yield Document(str(read), TEXT)

    for written, _ in enumerate(arbitrary_predictor(workers=workers).pipe(documents()), start=1):
        assert (read - written) * len(TEXT) <= pools * (1000 + len(TEXT))
    assert written == 500


@pytest.mark.parametrize("workers", [0, 2])
def test_predictor_raises_the_error_of_a_scorer_and_stops(workers):
    class Broken(ArbitraryScorer):
        def emissions(self, inputs):
            raise MemoryError("no room")

    chosen = tagger_settings()
    predictor = Predictor(chosen, Featurizer(CHARACTERS), Broken(len(chosen.tags)), workers=workers)
    with pytest.raises(MemoryError, match="no room"):
        predictor(TEXT)


def test_predictor_stops_amid_a_text_when_the_reader_stops(monkeypatch):
    monkeypatch.setattr(module, "POOLED_CHARACTERS", 10)

    class Slow(ArbitraryScorer):
        def emissions(self, inputs):
            time.sleep(0.001)
            return super().emissions(inputs)

    chosen = tagger_settings()
    predictor = Predictor(chosen, Featurizer(CHARACTERS), Slow(len(chosen.tags)), batch_tokens=5, workers=1)
    texts = ["糖尿病。", *["二甲双胍" * 1000] * 3]
    found = predictor.pipe(Document(str(i), text) for i, text in enumerate(texts))
    next(found)
    found.close()
    assert len(predictor.scorer.batches) < 400


def test_predictor_leaves_no_thread_behind_when_the_reader_stops(monkeypatch):
    monkeypatch.setattr(module, "POOLED_CHARACTERS", 100)
    found = arbitrary_predictor(workers=2).pipe(Document(str(i), TEXT) for i in range(100))
    next(found)
    found.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("suwen")]


def test_predictor_follows_the_transitions_of_a_crf():
    tags = tagger_settings().tags
    transitions = legal_transitions(tags, BIO)
    never = Transitions(transitions.start - np.float32([0, 99, 0, 99, 0]), transitions.end, transitions.matrix.copy())
    never.matrix[:, tags.index("B-Drug")] -= 99
    never.matrix[:, tags.index("B-Disease")] -= 99
    chosen = tagger_settings("crf", transitions=never)
    predictor = Predictor(chosen, Featurizer(CHARACTERS), WordScorer(chosen.tags, {"二甲双胍": "Drug"}))
    assert predictor("口服二甲双胍").entities == ()


def test_predictor_hands_the_scorer_all_features():
    bigrams = BigramVocabulary(["糖尿", "尿病"], CHARACTERS)
    chosen = tagger_settings(features=("input_ids", "bigram_ids"))
    seen = []

    class Recorder(ArbitraryScorer):
        def emissions(self, inputs):
            seen.append(set(inputs))
            return super().emissions(inputs)

    Predictor(chosen, Featurizer(CHARACTERS, bigrams), Recorder(len(chosen.tags)))("糖尿病")
    assert seen == [{"input_ids", "bigram_ids", "attention_mask"}]


def test_predictor_needs_no_torch():
    check = "import sys, suwen.inference.predictor, suwen.inference.onnx; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_predictor_memory_does_not_grow_with_the_length_of_a_sentence():
    predictor = word_predictor(**{"糖尿病": "Disease"})

    def peak(text):
        tracemalloc.start()
        assert len(predictor(text).entities) == 1
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    # The messages of a CRF over all of the second would take several times as much.
    assert peak("糖尿病，" + "好转，" * 15_000) < 1.5 * peak("糖尿病，" + "好转好转好转，好转。" * 4_500)
