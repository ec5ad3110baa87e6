"""Sub-word tokens, the characters they stand for, and what they cannot express."""

import json
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from checkpoint_files import ernie, field, varint, write_paddle, write_vocabulary
from hypothesis import given, settings
from hypothesis import strategies as st

from suwen.corpus.split import whole
from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.inference import Predictor
from suwen.model_folder import TaggerSettings
from suwen.models.sentencepiece import read_subwords
from suwen.models.vocabularies import read_vocabulary
from suwen.schema import Schema
from suwen.schemes import BIO
from suwen.tagging.alignment import Alignment, Subwords
from suwen.tagging.encode import Featurizer, block_spans, encode_gold, prepare
from suwen.tagging.vocabulary import CharacterVocabulary
from suwen.text.view import ViewRules
from suwen.text.windows import WindowRules

TEXT = "老年糖尿病 患者口服ABC治疗。\n\n糖尿病患者病情。"
WORDS = ["糖尿病", "患者", "口服", "治疗"]
PIECES = ["▁", "▁糖尿病", "▁患者", "▁口", "服", "▁老", "年", "▁治疗", "▁。", "▁病", "情"]
TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *PIECES]


def write_pieces(path: Path, kind: int = 1, pieces: list[str] = PIECES) -> None:
    """A sentencepiece model with these pieces, the earlier the better."""
    path.parent.mkdir(parents=True, exist_ok=True)
    model = field(1, field(1, b"<unk>") + varint(2 << 3 | 5) + struct.pack("<f", 0) + field(3, 2))
    for i, piece in enumerate(pieces):
        score = varint(2 << 3 | 5) + struct.pack("<f", -1 - i / 10)
        model += field(1, field(1, piece.encode()) + score)
    path.write_bytes(model + field(2, field(3, kind)) + field(3, field(1, b"identity")))


def write_tokens(folder: Path, **options) -> None:
    """The files beside ERNIE-tiny's weights."""
    write_vocabulary(folder, TOKENS)
    write_pieces(folder / "subword" / "spm_cased_simp_sampled.model", **options)
    (folder / "subword" / "dict.wordseg.pickle").write_bytes(pickle.dumps(dict.fromkeys(WORDS, 1), 2))


@pytest.fixture(scope="module")
def subwords(tmp_path_factory: pytest.TempPathFactory) -> Subwords:
    folder = tmp_path_factory.mktemp("subwords")
    write_tokens(folder)
    found = read_subwords(folder, read_vocabulary(folder))
    assert found is not None
    return found


def tokens(alignment: Alignment, text: str) -> list[tuple[str, str]]:
    triples = zip(alignment.ids, alignment.starts, alignment.ends, strict=True)
    return [(TOKENS[i], text[start:end]) for i, start, end in triples]


def test_alignment_cuts_words_before_pieces(subwords: Subwords) -> None:
    assert tokens(subwords.align("老年糖尿病 患者口服A治疗", [(0, 13)]), "老年糖尿病 患者口服A治疗") == [
        ("▁老", "老"),
        ("▁", ""),
        ("年", "年"),
        ("▁糖尿病", "糖尿病"),
        ("▁患者", "患者"),
        ("▁口", "口"),
        ("服", "服"),
        ("▁", ""),
        ("[UNK]", "A"),
        ("▁治疗", "治疗"),
    ]


def test_alignment_reads_byte_pair_models(tmp_path: Path) -> None:
    parts = ["▁", "糖", "尿", "病", "尿病", "糖尿病", "▁糖尿病", "患", "▁患"]
    write_tokens(tmp_path, kind=2, pieces=parts)
    write_vocabulary(tmp_path, [*TOKENS[:5], *parts])
    vocabulary = read_vocabulary(tmp_path)
    found = read_subwords(tmp_path, vocabulary)
    assert found is not None
    alignment = found.align("糖尿病患", [(0, 4)])
    assert [vocabulary.tokens[i] for i in alignment.ids] == ["▁糖尿病", "▁患"]
    assert (alignment.starts.tolist(), alignment.ends.tolist()) == ([0, 3], [3, 4])


def test_alignment_maps_edges_of_tokens_only(subwords: Subwords) -> None:
    alignment = subwords.align("老年糖尿病患者", [(0, 7)])
    assert alignment.to_tokens(2, 5) == (3, 4)
    assert alignment.to_tokens(1, 5) == (2, 4)
    assert alignment.to_tokens(2, 4) is None
    assert alignment.to_tokens(3, 7) is None
    assert alignment.to_characters(1, 4) == (1, 5)
    assert alignment.to_characters(1, 2) is None


@settings(max_examples=40, deadline=None)
@given(st.text(st.sampled_from("老年糖尿病患者口服 A\u3000Ⅱİ。\n"), max_size=30), st.data())
def test_alignment_there_and_back(subwords: Subwords, text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(text)))
    alignment = subwords.align(text, [span for span in ((0, cut), (cut, len(text))) if span[0] < span[1]])
    assert (np.diff(alignment.starts) >= 0).all()
    assert (alignment.starts <= alignment.ends).all()
    assert (alignment.ends[:-1] <= alignment.starts[1:]).all()
    covered = {
        place for start, end in zip(alignment.starts, alignment.ends, strict=True) for place in range(start, end)
    }
    assert {place for place, character in enumerate(text) if not character.isspace()} <= covered
    for start in range(len(text)):
        for end in range(start + 1, len(text) + 1):
            span = alignment.to_tokens(start, end)
            if span is not None:
                assert alignment.to_characters(*span) == (start, end)


def test_alignment_counts_what_no_token_edge_can_express(subwords: Subwords) -> None:
    gold = (Entity("Disease", 2, 5), Entity("Disease", 2, 4), Entity("Drug", 7, 9), Entity("Disease", 18, 21))
    prepared = prepare(TEXT, ViewRules(), WindowRules(), None, subwords)
    spans, losses = block_spans(gold, prepared, ("Disease", "Drug"))
    assert losses.lost == {"within a token": 2}
    assert losses.entities == 4
    featurizer = Featurizer(CharacterVocabulary(TOKENS), special_tokens=True, subwords=subwords)
    examples, _ = encode_gold(gold, prepared, featurizer, BIO, ("Disease", "Drug"))
    assert len(examples) == 2
    assert sum(len(inside) for inside in spans) == 2
    tags = BIO.tags(("Disease", "Drug"))
    example = examples[1]
    assert [TOKENS[i] for i in example.inputs["input_ids"]][:3] == ["[CLS]", "▁糖尿病", "▁患者"]
    assert tags[example.tags[0]] == "B-Disease"


def test_alignment_packs_no_sentences_across_one_that_is_left_out(subwords: Subwords) -> None:
    text = "老。病。老。"
    rules = WindowRules(pack=100)
    assert len(prepare(text, ViewRules(), rules, None, subwords).blocks) == 1
    assert len(prepare(text, ViewRules(), rules, [(0, 2), (4, 6)], subwords).blocks) == 2


def test_alignment_is_written_and_read_back(subwords: Subwords, tmp_path: Path) -> None:
    subwords.write(tmp_path)
    again = Subwords.read(tmp_path, CharacterVocabulary(TOKENS))
    assert again is not None
    for array in ("ids", "starts", "ends"):
        first = getattr(subwords.align(TEXT, [(0, 17)]), array)
        np.testing.assert_array_equal(first, getattr(again.align(TEXT, [(0, 17)]), array))
    (tmp_path / "subwords.json").write_text("{}")
    with pytest.raises(SuwenError, match="S501"):
        Subwords.read(tmp_path, CharacterVocabulary(TOKENS))


class ByToken:
    """A scorer that knows which token is which entity."""

    def emissions(self, inputs):
        scores = np.zeros((*inputs["input_ids"].shape, 5), np.float32)
        scores[..., 0] = 1
        scores[inputs["input_ids"] == TOKENS.index("▁糖尿病"), 1] = 9
        scores[inputs["input_ids"] == TOKENS.index("▁口"), 3] = 9
        scores[inputs["input_ids"] == TOKENS.index("服"), 4] = 9
        return scores


def test_alignment_gives_predictions_in_characters(subwords: Subwords) -> None:
    schema = Schema.of_labels(["Disease", "Drug"])
    rules = ViewRules(), WindowRules()
    settings = TaggerSettings(schema, "BIO", *rules, ("input_ids",), True, "legal")
    featurizer = Featurizer(CharacterVocabulary(TOKENS), special_tokens=True, subwords=subwords)
    found = Predictor(settings, featurizer, ByToken())(Document("a", TEXT))
    assert [(e.label, found.mention(e)) for e in found.entities] == [
        ("Disease", "糖尿病"),
        ("Drug", "口服"),
        ("Disease", "糖尿病"),
    ]
    assert found.entities[2].start == 18


class Evil:
    def __reduce__(self):
        return print, ("this runs",)


def test_alignment_refuses_dictionaries_that_run_code(tmp_path: Path) -> None:
    write_tokens(tmp_path)
    dictionary = tmp_path / "subword" / "dict.wordseg.pickle"
    vocabulary = read_vocabulary(tmp_path)
    for content, code in ((pickle.dumps(Evil()), "S514"), (pickle.dumps({1: 2}), "S509"), (b"\x80\x02", "S509")):
        dictionary.write_bytes(content)
        with pytest.raises(SuwenError, match=code):
            read_subwords(tmp_path, vocabulary)
    dictionary.unlink()
    with pytest.raises(SuwenError, match=r"S505 .*dict\.wordseg\.pickle is missing"):
        read_subwords(tmp_path, vocabulary)
    (tmp_path / "subword" / "spm_cased_simp_sampled.model").write_bytes(b"\x0a\xff")
    dictionary.write_bytes(pickle.dumps(WORDS))
    with pytest.raises(SuwenError, match="S509"):
        read_subwords(tmp_path, vocabulary)


def test_training_on_ernie_tiny_writes_a_model_that_runs(tmp_path: Path) -> None:
    from suwen.loading import load
    from suwen.training.config import load_training_config
    from suwen.training.taggers import TrainingData, select_data, train_tagger

    encoder = tmp_path / "ernie-tiny"
    write_paddle(encoder, ernie())
    write_tokens(encoder)
    config = json.loads((encoder / "model_config.json").read_text())
    assert config["init_args"][0]["vocab_size"] >= len(TOKENS)
    text = "老年糖尿病患者口服治疗。"
    documents = [Document(f"{i:02}", text, (Entity("Disease", 2, 5), Entity("Drug", 8, 9))) for i in range(12)]
    # Copies of one document are never split over several parts, so there is no dev part.
    data = TrainingData(whole(documents), [], select_data(documents[:1], None, "train", 0).description)
    changes = [
        "optimization.epochs=1",
        "optimization.batch_tokens=32",
        "optimization.least_steps=0",
        "inputs.length=18",
        "inputs.pack=0",
        "inputs.context=0",
        "inputs.overlap=4",
    ]
    changes += ["optimization.learning_rate=0.01", "optimization.head_learning_rate=0.05", "optimization.average=0"]
    made = load_training_config("best", None, {"encoder.name": str(encoder)}, changes)
    report = train_tagger(data, tmp_path / "model", made, Schema.of_labels(["Disease", "Drug"]))
    assert report.losses["train"].lost == {}
    names = {path.name for path in (tmp_path / "model").iterdir()}
    assert {"subwords.json", "words.txt"} <= names
    assert "tokenizer.json" not in names
    assert load(tmp_path / "model")(text).text == text
