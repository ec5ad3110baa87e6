import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import suwen
from suwen.cli import app
from suwen.corpus.split import Selection
from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.inference.dictionary import Dictionary, Entry, fold
from suwen.inference.feature_crf import character_features
from suwen.inference.hmm import HMM
from suwen.model_folder import read_stored_model, write_stored_model
from suwen.schema import Schema
from suwen.schemes import BIO
from suwen.training.baselines import (
    DictionaryConfig,
    FeatureCRFConfig,
    HMMConfig,
    count_hmm,
    learn_dictionary,
    load_baseline_config,
    train_baseline,
)
from suwen.training.data import select_data

DRUGS = ("二甲双胍", "阿卡波糖", "格列美脲")
DISEASES = ("糖尿病", "2型糖尿病", "高血压")


def annotated(name, text, mentions):
    entities = []
    for label, mention in mentions:
        start = text.index(mention)
        entities.append(Entity(label, start, start + len(mention)))
    return Document(name, text, tuple(entities))


def documents():
    return [
        annotated(f"{i}-{j}", f"{disease}患者口服{drug}治疗。血糖下降。", [("Disease", disease), ("Drug", drug)])
        for i, drug in enumerate(DRUGS)
        for j, disease in enumerate(DISEASES)
    ]


def trained(folder, config):
    data = select_data(documents(), None, "train", 0)
    return train_baseline(data, folder / config.encoder, config, Schema.of_labels(data.labels))


@pytest.fixture(scope="module", autouse=True)
def few_are_enough():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("suwen.training.data.LEAST_ENTITIES_FOR_DEV", 1)
        yield


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("baselines")
    for config in (DictionaryConfig(), HMMConfig(), FeatureCRFConfig(iterations=30)):
        trained(folder, config)
    return folder


def learnt(*sentences, **settings):
    return learn_dictionary(list(sentences), DictionaryConfig(**settings)).entries


@pytest.mark.parametrize("kind", ["dictionary", "feature-crf"])
def test_baselines_find_what_they_have_learnt_across_a_wrapped_line(models, kind):
    ner = suwen.load(models / kind)
    document = Document("d", "本研究中所有的2型糖尿病患者在入组之后都规律地每天口服二甲\n双胍治疗。血糖下降。")
    found = next(ner.pipe([document]))
    assert [(entity.label, found.mention(entity)) for entity in found.entities] == [
        ("Disease", "2型糖尿病"),
        ("Drug", "二甲双胍"),
    ]
    assert len(found.entities[1].fragments) == 2
    assert all(0 < entity.score <= 1 for entity in found.entities)
    assert ner(document.text).entities == found.entities
    assert ner.schema.labels == ("Disease", "Drug")


@pytest.mark.parametrize("kind", ["dictionary", "hmm", "feature-crf"])
def test_baselines_decide_only_the_sentences_that_are_asked_for(models, kind):
    text = "口服二甲双胍治疗。口服阿卡波糖治疗。"
    found = next(suwen.load(models / kind).predict([Selection(Document("d", text), ((9, len(text)),))]))
    assert [found.mention(entity) for entity in found.entities] == ["阿卡波糖"]


@pytest.mark.parametrize("config", [DictionaryConfig(), HMMConfig(), FeatureCRFConfig(iterations=5)])
def test_baselines_learn_the_same_twice(tmp_path, config):
    hashes = [trained(tmp_path / str(i), config).manifest for i in range(2)]
    files = [read_stored_model(tmp_path / str(i) / config.encoder).manifest["files"] for i in range(2)]
    assert files[0] == files[1]
    assert hashes[0]["training"].keys() == hashes[1]["training"].keys()


def test_baselines_write_where_they_come_from(models):
    manifest = read_stored_model(models / "feature-crf").manifest
    assert manifest["configuration"]["encoder"] == "feature-crf"
    assert manifest["data"]["train"] == {
        "documents": 9,
        "characters": sum(len(d.text) for d in documents()),
        "entities": 18,
    }
    assert manifest["expressible"]["train"] == {"entities": 18, "lost": {}, "expressible": 1.0}
    assert manifest["training"]["iterations"] == 30
    assert "python-crfsuite" in manifest["versions"]
    assert "Disease" in (models / "feature-crf" / "README.md").read_text(encoding="utf-8")


def test_baselines_score_the_dev_part_and_count_what_cannot_be_learnt(tmp_path):
    nested = annotated("nested", "2型糖尿病患者。", [("Disease", "2型糖尿病"), ("Disease", "糖尿病")])
    data = select_data([*documents(), nested], None, "train", 0)
    report = train_baseline(data, tmp_path / "m", DictionaryConfig(), Schema.of_labels(data.labels))
    assert report.losses.keys() == {"train", "dev"}
    assert sum(losses.lost["overlapping"] for losses in report.losses.values()) == 1
    assert report.manifest["scores"]["dev"]["f1"] == report.scores.micro.f1 > 0


def test_baselines_dictionary_prefers_the_longest_and_the_most_frequent():
    entries = learnt(
        ("糖尿病与2型糖尿病", [("Disease", 0, 3), ("Disease", 4, 9)]),
        ("糖尿病", [("Reason", 0, 3)]),
        ("糖尿病", [("Disease", 0, 3)]),
    )
    assert entries == {"糖尿病": Entry("Disease", 2, 3), "2型糖尿病": Entry("Disease", 1, 1)}


def test_baselines_dictionary_leaves_out_what_is_mostly_no_mention():
    sentences = [("血糖治疗", [("Treatment", 2, 4)]), *[("治疗", [])] * 2]
    assert learnt(*sentences) == {}
    assert learnt(*sentences, share=0.3) == {"治疗": Entry("Treatment", 1, 3)}


def test_baselines_dictionary_counts_again_when_a_longer_surface_has_gone():
    sentences = [("糖尿病人", [("Disease", 0, 4)]), *[("糖尿病人", [("Disease", 0, 3)])] * 2]
    assert learnt(*sentences) == {"糖尿病": Entry("Disease", 2, 3)}


def test_baselines_dictionary_leaves_out_single_characters_and_rare_surfaces():
    sentences = [("糖与胰岛素", [("Test", 0, 1), ("Drug", 2, 5)])] * 2 + [("口服", [("Method", 0, 2)])]
    assert learnt(*sentences, minimum_count=2).keys() == {"胰岛素"}
    assert learnt(*sentences, shortest=1).keys() == {"糖", "胰岛素", "口服"}


def test_baselines_dictionary_does_not_cut_words_and_numbers():
    dictionary = Dictionary({"dm": Entry("Disease", 1, 1), "5g": Entry("Amount", 1, 1)})
    assert list(dictionary.matches("ADMA DM 15g 5g")) == [(5, 7, "dm"), (12, 14, "5g")]


@given(st.text(), st.lists(st.text(min_size=1, max_size=3), max_size=8))
def test_baselines_dictionary_matches_are_entries_in_order(text, surfaces):
    dictionary = Dictionary({fold(surface): Entry("Drug", 1, 1) for surface in surfaces})
    end = 0
    for start, finish, surface in dictionary.matches(text):
        assert end <= start < finish <= len(text)
        assert fold(text)[start:finish] == surface in dictionary.entries
        end = finish
    assert len(fold(text)) == len(text)


@given(st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cs"])))
def test_baselines_features_are_there_for_every_character(text):
    items = character_features(text, Dictionary({"糖": Entry("Test", 1, 1)}))
    assert len(items) == len(text)
    assert {len(item) for item in items} == {19}


def test_baselines_find_valid_offsets_in_any_text(models):
    for kind in ("dictionary", "hmm", "feature-crf"):
        ner = suwen.load(models / kind)
        for text in ("", "\n", "\0糖尿病\r\n二甲双胍", "\ufeff糖尿病😀\u3000İ", "e\u0301糖尿病" * 50):
            for entity in ner(text).entities:
                assert 0 <= entity.start < entity.end <= len(text)


@pytest.mark.parametrize(
    "rows", [{}, [["糖", "Drug", 1]], [["糖", "Nothing", 1, 1]], [["", "Drug", 1, 1]], [["糖", "Drug", 2, 1]]]
)
def test_baselines_refuse_a_broken_dictionary(tmp_path, models, rows):
    settings = read_stored_model(models / "dictionary").settings

    def write_files(folder):
        (folder / "dictionary.json").write_text(json.dumps(rows))

    write_stored_model(tmp_path / "m", "dictionary", settings, write_files, {}, "")
    with pytest.raises(SuwenError, match="S501"):
        suwen.load(tmp_path / "m")


@pytest.mark.parametrize(
    ("change", "code"), [({"features": 0}, "S501"), ({"scheme": "XYZ"}, "S404"), ({"x": 1}, "S401"), ({}, "S509")]
)
def test_baselines_refuse_a_broken_feature_crf(tmp_path, models, change, code):
    def write_files(folder):
        (folder / "dictionary.json").write_text("[]")
        (folder / "crf.crfsuite").write_bytes(b"nonsense")

    settings = {**read_stored_model(models / "feature-crf").settings, **change}
    write_stored_model(tmp_path / "m", "feature-crf", settings, write_files, {}, "")
    with pytest.raises(SuwenError, match=code):
        suwen.load(tmp_path / "m")


def test_baselines_hmm_finds_what_it_has_learnt(models):
    ner = suwen.load(models / "hmm")
    text = "高血压患者口服阿卡波糖治疗。"
    assert [(entity.label, text[entity.start : entity.end]) for entity in ner(text).entities] == [
        ("Disease", "高血压"),
        ("Drug", "阿卡波糖"),
    ]


def hmm(*sentences):
    return count_hmm(list(sentences), HMMConfig(scheme="BIO"), Schema.of_labels(["Drug"]))


def test_baselines_hmm_counts_moves_and_characters():
    model = hmm(("服糖A", [("Drug", 1, 3)]), ("糖", []))
    assert model.tags == ("O", "B-Drug", "I-Drug")
    assert model.moves.tolist() == [[0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1], [2, 0, 0, 0]]
    assert {character: counts.tolist() for character, counts in model.emitted.items()} == {
        "a": [0, 0, 1],
        "服": [1, 0, 0],
        "糖": [1, 1, 0],
    }


def test_baselines_hmm_probabilities_sum_to_one():
    model = hmm(("服糖a", [("Drug", 1, 3)]), ("糖", []))
    every = np.exp(model.emissions("服糖a未"))
    assert every.sum(axis=0) == pytest.approx(1)
    # Under O, two characters were seen; of all, four, and four kinds with the unknown one.
    assert every[3, 0] == pytest.approx(10 * 1 / 8 / (2 + 10))
    start, end, matrix = (np.exp(scores.astype(float)) for scores in model.transitions.constrained)
    assert start.sum() == pytest.approx(1)
    assert matrix.sum(axis=1) + end == pytest.approx(1)
    assert matrix[0, 2] == start[2] == 0


@pytest.mark.parametrize(
    "values",
    [
        [],
        {"moves": [], "characters": {}},
        {"moves": [[0] * 4] * 3 + [[0, 0, 0, -1]], "characters": {}},
        {"moves": [[0] * 4] * 4, "characters": {"ab": {"O": 1}}},
        {"moves": [[0] * 4] * 4, "characters": {"a": {"X": 1}}},
        {"moves": [[0] * 4] * 4, "characters": {"a": {"O": 0.5}}},
        {"moves": [[0] * 4] * 4, "characters": {"a": 1}},
    ],
)
def test_baselines_refuse_a_broken_hmm(tmp_path, values):
    (tmp_path / "hmm.json").write_text(json.dumps(values))
    with pytest.raises(SuwenError, match="S501"):
        HMM.read(tmp_path / "hmm.json", BIO.tags(["Drug"]), BIO)


def test_baselines_hmm_is_read_back(tmp_path):
    model = hmm(('服糖A"\\', [("Drug", 1, 3)]), ("糖", []))
    model.write(tmp_path / "hmm.json")
    copy = HMM.read(tmp_path / "hmm.json", model.tags, BIO)
    assert np.array_equal(copy.emissions('服糖a"\\未'), model.emissions('服糖a"\\未'))
    assert np.array_equal(copy.moves, model.moves)


def test_baselines_run_on_the_cpu_alone(models):
    with pytest.raises(SuwenError, match="S512"):
        suwen.load(models / "dictionary", device="cuda")


def test_baselines_need_crfsuite_only_for_the_crf(models):
    code = f"""import sys
sys.modules.update({{"pycrfsuite": None, "torch": None, "transformers": None}})
import suwen
print(len(suwen.load({str(models / "dictionary")!r})("口服二甲双胍").entities))
suwen.load({str(models / "feature-crf")!r})"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stdout == "1\n"
    assert "S405" in result.stderr
    assert "pip install 'suwen[train]'" in result.stderr


@pytest.mark.parametrize(
    ("encoder", "settings", "code"),
    [
        ("dictionary", ["shar=0.5"], "S401.*'share'"),
        ("dictionary", ["encoder.words=x"], "S401"),
        ("dictionary", ["share=2"], "S402.*'share'"),
        ("dictionary", ["iterations=2"], "S401"),
        ("feature-crf", ["scheme=IOB9"], "S402"),
        ("feature-crf", ["c1"], "S402"),
        ("hmm", ["scheme=X"], "S402"),
        ("svm", [], "S404"),
    ],
)
def test_baselines_refuse_settings_that_they_do_not_know(encoder, settings, code):
    with pytest.raises(SuwenError, match=code):
        load_baseline_config(encoder, None, settings)


def test_baselines_read_a_file_and_settings(tmp_path):
    (tmp_path / "c.toml").write_text("c1 = 0.5\niterations = 7\n")
    config = load_baseline_config("feature-crf", tmp_path / "c.toml", ["iterations=9"])
    assert (config.c1, config.iterations) == (0.5, 9)
    (tmp_path / "c.toml").write_text("c1 = \n")
    with pytest.raises(SuwenError, match=r"S403.*c\.toml"):
        load_baseline_config("feature-crf", tmp_path / "c.toml")


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.jsonl"
    suwen_documents = documents()
    from suwen.formats import write_corpus

    write_corpus(suwen_documents, path, "jsonl")
    return path


@pytest.mark.parametrize(
    "options",
    [
        ["--head", "crf"],
        ["--transfer", "fine-tuning"],
        ["--from", "m"],
        ["--resume"],
        ["--device", "cuda"],
        ["--preset", "paper"],
    ],
)
def test_baselines_refuse_options_that_mean_nothing_to_them(corpus, tmp_path, options):
    arguments = ["train", str(corpus), "-o", str(tmp_path / "m"), "--encoder", "dictionary", *options]
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, SuwenError)
    assert result.exception.code == "S406"
    assert options[0] in str(result.exception)
    assert not (tmp_path / "m").exists()


def test_baselines_train_a_part_with_a_split_only(corpus, tmp_path):
    arguments = ["train", str(corpus), "-o", str(tmp_path / "m"), "--encoder", "dictionary", "--part", "dev"]
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, SuwenError)
    assert str(result.exception).startswith("S410 --part needs --split")


def test_baselines_work_from_the_command_line(corpus, tmp_path):
    def run(*arguments):
        # Without torch, which baselines do not need.
        code = "import sys; sys.modules['torch'] = None; from suwen.cli import main; main()"
        command = [sys.executable, "-c", code, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)

    done = run("train", corpus, "-o", "m", "--encoder", "feature-crf", "--set", "iterations=20", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["training"]["iterations"] == 20
    (tmp_path / "a.txt").write_text("口服二甲双胍。", encoding="utf-8")
    assert run("extract", "a.txt", "-o", "out.jsonl", "--model", "m").returncode == 0
    assert "二甲双胍" in (tmp_path / "out.jsonl").read_text(encoding="utf-8")


def test_baselines_are_trained_and_evaluated_by_the_commands(corpus, tmp_path):
    model = str(tmp_path / "d")
    done = CliRunner().invoke(app, ["train", str(corpus), "-o", model, "--encoder", "dictionary"])
    assert "dictionary entries" in done.stdout
    scored = CliRunner().invoke(app, ["evaluate", model, str(corpus), "--json"])
    assert json.loads(scored.stdout)["strict_entity"]["micro"]["f1"] == 1
