import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from suwen.errors import SuwenError
from suwen.files import sha256
from suwen.model_folder import (
    TaggerSettings,
    read_model_folder,
    read_stored_model,
    write_model_folder,
    write_stored_model,
)
from suwen.schema import LCDD, Schema
from suwen.tagging.decode import Transitions
from suwen.tagging.encode import Featurizer
from suwen.tagging.vocabulary import BigramVocabulary, CharacterVocabulary
from suwen.text.view import ViewRules
from suwen.text.windows import WindowRules

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
CHARACTERS = CharacterVocabulary(
    [*SPECIALS, *"糖尿病口服二甲双胍(),。0123456789abcghmkα℃", "Ⅱ", "##g", "]", "^", "\\", "-"]
)
BIGRAMS = BigramVocabulary(["糖尿", "尿病"], CHARACTERS)
FILES = {
    "README.md",
    "bigrams.txt",
    "manifest.json",
    "model.safetensors",
    "suwen.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
}


def random_transitions(tags, seed=3):
    random = np.random.default_rng(seed)
    return Transitions(*(random.normal(size=shape).astype(np.float32) for shape in (tags, tags, (tags, tags))))


SETTINGS = TaggerSettings(
    schema=Schema.of_labels(["Disease", "Drug"]),
    scheme="BIO",
    view=ViewRules(join_wrapped_lines=False),
    windows=WindowRules(length=100, overlap=20, context=7, pack=40),
    features=("input_ids", "bigram_ids"),
    special_tokens=False,
    decoding="crf",
    transitions=random_transitions(5),
)


def write_weights(folder):
    (folder / "model.safetensors").write_bytes(b"weights")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("written") / "model"
    write_model_folder(path, SETTINGS, Featurizer(CHARACTERS, BIGRAMS), write_weights, {"seed": 42}, "# Card\n")
    return path


@pytest.fixture
def model(written, tmp_path):
    return shutil.copytree(written, tmp_path / "model")


def change_settings(model, change):
    """Rewrite suwen.json and its hash."""
    values = json.loads((model / "suwen.json").read_text(encoding="utf-8"))
    change(values)
    (model / "suwen.json").write_text(json.dumps(values), encoding="utf-8")
    manifest = json.loads((model / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"]["suwen.json"] = sha256(model / "suwen.json")
    (model / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def test_model_folder_comes_back_as_it_was_written(model):
    folder = read_model_folder(model)
    assert folder.settings.to_dict() == SETTINGS.to_dict()
    assert folder.settings.tags == ("O", "B-Disease", "I-Disease", "B-Drug", "I-Drug")
    assert folder.settings.windows == SETTINGS.windows
    assert np.array_equal(folder.settings.transitions.matrix, SETTINGS.transitions.matrix)
    assert folder.settings.transitions.start.dtype == np.float32
    assert folder.featurizer.characters.tokens == CHARACTERS.tokens
    assert folder.featurizer.bigrams.bigrams == BIGRAMS.bigrams
    assert folder.featurizer.names == SETTINGS.features
    assert folder.manifest["seed"] == 42
    assert {file.name for file in model.iterdir()} == FILES


def test_model_folder_keeps_hashes_of_all_files_but_card_and_manifest(model):
    hashes = json.loads((model / "manifest.json").read_text(encoding="utf-8"))["files"]
    assert hashes == {name: sha256(model / name) for name in FILES - {"README.md", "manifest.json"}}


def test_model_folder_without_crf_and_bigrams_comes_back(tmp_path):
    chosen = replace(SETTINGS, features=("input_ids",), special_tokens=True, decoding="legal", transitions=None)
    write_model_folder(tmp_path / "m", chosen, Featurizer(CHARACTERS, None, True), write_weights, {}, "")
    folder = read_model_folder(tmp_path / "m")
    assert folder.settings.to_dict() == chosen.to_dict()
    assert folder.featurizer.special_tokens
    assert folder.featurizer.bigrams is None
    assert not (tmp_path / "m" / "bigrams.txt").exists()


def test_model_folder_is_not_there_when_writing_fails(tmp_path):
    def fail(folder):
        (folder / "model.safetensors").write_bytes(b"half")
        raise RuntimeError("disk on fire")

    with pytest.raises(RuntimeError):
        write_model_folder(tmp_path / "m", SETTINGS, Featurizer(CHARACTERS, BIGRAMS), fail, {}, "")
    assert list(tmp_path.iterdir()) == []


def test_model_folder_never_replaces_what_is_there(model, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "thesis.txt").write_text("years of work")
    for path in (model, home):
        with pytest.raises(SuwenError, match="S104"):
            write_model_folder(path, SETTINGS, Featurizer(CHARACTERS, BIGRAMS), write_weights, {"seed": 7}, "")
    assert read_model_folder(model).manifest["seed"] == 42
    assert (home / "thesis.txt").read_text() == "years of work"


def test_model_folder_is_refused_where_there_is_none(tmp_path):
    with pytest.raises(SuwenError, match="S101"):
        read_model_folder(tmp_path / "nothing")
    (tmp_path / "file").write_text("")
    with pytest.raises(SuwenError, match="S109"):
        read_model_folder(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SuwenError, match=r"S501.*suwen\.json is missing"):
        read_model_folder(tmp_path / "empty")


@pytest.mark.parametrize("name", sorted(FILES - {"README.md"}))
def test_model_folder_half_written_is_refused(model, name):
    (model / name).unlink()
    with pytest.raises(SuwenError, match=f"S501.*{name}"):
        read_model_folder(model)


@pytest.mark.parametrize("name", ["suwen.json", "manifest.json"])
@pytest.mark.parametrize("content", ["", '{"format_version": 1, "mod', "[]"])
def test_model_folder_with_broken_json_is_refused(model, name, content):
    (model / name).write_text(content)
    with pytest.raises(SuwenError, match=f"S501.*{name}"):
        read_model_folder(model)


@pytest.mark.parametrize("name", sorted(FILES - {"README.md", "manifest.json", "suwen.json"}))
def test_model_folder_with_a_changed_file_is_refused_by_its_name(model, name):
    with (model / name).open("a") as file:
        file.write(" ")
    with pytest.raises(SuwenError, match=f"S503.*{name}"):
        read_model_folder(model)


@pytest.mark.parametrize("name", ["suwen.json", "vocab.txt", "bigrams.txt", "model.safetensors"])
def test_model_folder_whose_manifest_leaves_a_file_out_is_refused(model, name):
    manifest = json.loads((model / "manifest.json").read_text(encoding="utf-8"))
    del manifest["files"][name]
    (model / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(SuwenError, match=f"S503.*{name}"):
        read_model_folder(model)
    (model / "manifest.json").write_text('{"files": {}}', encoding="utf-8")
    with pytest.raises(SuwenError, match="S503"):
        read_model_folder(model)


def test_model_folder_card_may_be_edited(model):
    (model / "README.md").write_text("# My model")
    read_model_folder(model)


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_model_folder_of_another_version_is_refused(model, version):
    change_settings(model, lambda values: values.update(format_version=version))
    with pytest.raises(SuwenError, match="S502"):
        read_model_folder(model)


def test_model_folder_names_the_key_that_was_meant(model):
    change_settings(model, lambda values: values["windows"].update(overlapp=values["windows"].pop("overlap")))
    with pytest.raises(SuwenError, match=r"S401 .*suwen\.json: unknown key 'overlapp'; did you mean 'overlap'"):
        read_model_folder(model)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda values: values.pop("scheme"), "S501.*'scheme' is missing"),
        (lambda values: values.update(scheme="BILOU"), "S404.*BILOU"),
        (lambda values: values.update(scheme=3), "S501.*'scheme'.*expected str"),
        (lambda values: values.update(features=["input_ids", "words"]), "S501.*words"),
        (lambda values: values.update(features=[["input_ids"]]), "S501.*features"),
        (lambda values: values.update(decoding="beam"), "S404.*beam"),
        (lambda values: values.update(decoding="legal"), "S501.*transitions"),
        (lambda values: values.update(transitions=None), "S501.*transitions"),
        (lambda values: values["transitions"].update(start=[1, 2]), "S501.*'start'.*shape"),
        (lambda values: values["transitions"].update(end=["a"] * 5), "S501.*'end'.*numbers"),
        (lambda values: values["transitions"].update(matrix=[[1], [2, 3]]), "S501.*'matrix'"),
        (lambda values: values["windows"].update(length=True), "S501.*'length'.*expected int"),
        (lambda values: values["windows"].update(length=-1), "S402.*length"),
        (lambda values: values["schema"].update(entities=[]), "S407"),
        (lambda values: values.update(model=None), "S501.*kind"),
        (lambda values: values.update(model="dictionary"), "S109.*dictionary"),
    ],
)
def test_model_folder_with_unusable_settings_is_refused(model, change, message):
    change_settings(model, change)
    with pytest.raises(SuwenError, match=message):
        read_model_folder(model)


def test_model_folder_of_another_kind_of_model_comes_back(tmp_path):
    def write_words(folder):
        (folder / "words").mkdir()
        (folder / "words" / "drug.txt").write_text("二甲双胍\n", encoding="utf-8")

    write_stored_model(tmp_path / "m", "dictionary", {"schema": LCDD.to_dict()}, write_words, {"seed": 1}, "# Card\n")
    stored = read_stored_model(tmp_path / "m")
    assert (stored.model, stored.settings) == ("dictionary", {"schema": LCDD.to_dict()})
    assert set(stored.manifest["files"]) == {"suwen.json", "words/drug.txt"}


def tokenizer_of(folder, special_tokens=False, characters=CHARACTERS):
    path = folder / ("bert" if special_tokens else "plain")
    chosen = replace(SETTINGS, features=("input_ids",), special_tokens=special_tokens)
    write_model_folder(path, chosen, Featurizer(characters, None, special_tokens), write_weights, {}, "")
    return path


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return Tokenizer.from_file(str(tokenizer_of(tmp_path_factory.mktemp("tokenizer")) / "tokenizer.json"))


ORDINARY = "糖尿病患者口服二甲双胍0.5g,HbA1c ６.５%(Ⅱ型)\r\n\u3000α、αΑ ㎎ ℃\t[MASK ]^\\- İ ﬁ 🙂 e\u0301 \x00"


@settings(deadline=None)
@given(st.text(st.one_of(st.sampled_from(ORDINARY), st.characters(exclude_categories=["Cs"]))))
def test_model_folder_tokenizer_agrees_with_the_vocabulary(tokenizer, text):
    encoding = tokenizer.encode(text)
    assert encoding.ids == CHARACTERS.ids(text).tolist()
    assert encoding.offsets == [(i, i + 1) for i in range(len(text))]


@pytest.mark.parametrize("model_type", ["bert", "suwen-tagger"])
def test_model_folder_tokenizer_loads_in_transformers(tmp_path, model_type):
    transformers = pytest.importorskip("transformers")
    path = tokenizer_of(tmp_path, special_tokens=True)
    (path / "config.json").write_text(json.dumps({"model_type": model_type}))
    for tokenizer in (
        transformers.AutoTokenizer.from_pretrained(path),
        transformers.PreTrainedTokenizerFast(tokenizer_file=str(path / "tokenizer.json")),
    ):
        ids = [CHARACTERS.id("[CLS]"), *CHARACTERS.ids(ORDINARY).tolist(), CHARACTERS.id("[SEP]")]
        assert tokenizer(ORDINARY)["input_ids"] == ids
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    assert (tokenizer.pad_token_id, tokenizer.mask_token_id) == (0, 4)
