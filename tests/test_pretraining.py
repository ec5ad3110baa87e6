"""Pre-training: strategies, packing, batches, loss, runs that are killed and continue."""

import gzip
import json
import lzma
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.torch import load_file
from transformers import AutoModelForMaskedLM, AutoTokenizer, BertForPreTraining

from suwen.corpus.splitting import make_split
from suwen.document import Document
from suwen.draws import uniform_numbers
from suwen.errors import SuwenError
from suwen.formats import read_corpus, write_corpus
from suwen.models.encoders import TransformerEncoder
from suwen.models.ngram_bert import NgramBertForPreTraining
from suwen.pretraining.batches import HeldOut, MaskedBatches, MaskingRules, corrupt, phases
from suwen.pretraining.config import load_pretraining_config
from suwen.pretraining.model import new_model
from suwen.pretraining.packing import Packer
from suwen.pretraining.passages import Exclusion, find_sources, passages, read_exclusion
from suwen.pretraining.pretrain import pretrain
from suwen.pretraining.strategies import STRATEGIES, Level, draw_positions
from suwen.pretraining.text_cache import TextCache, TextRules, open_text, open_units
from suwen.pretraining.texts import Texts
from suwen.pretraining.units import mark_entities, mark_phrases
from suwen.tagging.vocabulary import CLS, MASK, PAD, SEP, UNK, CharacterVocabulary

DRUGS = ["二甲双胍", "阿卡波糖", "格列美脲", "利拉鲁肽"]
DISEASES = ["糖尿病", "高血压", "冠心病", "肥胖症"]
TINY = (
    "model.layers=1",
    "model.hidden=16",
    "model.attention_heads=2",
    "model.bigram_buckets=64",
    "data.lengths=[16,32]",
    "data.segmenter=jieba",
    "data.held_out=0.1",
    "optimization.batch_tokens=128",
    "optimization.steps=6",
    "evaluation.steps=3",
)


def lines(count: int = 120) -> list[str]:
    draw = np.random.default_rng(3)
    return [
        f"{i}例老年{draw.choice(DISEASES)}患者口服{draw.choice(DRUGS)}治疗。空腹血糖明显下降,{draw.choice(DRUGS)}组更低。"
        for i in range(count)
    ]


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text("".join(f"{line}\n" for line in lines()), encoding="utf-8")
    return path


def silent(note: str) -> None:
    del note


def opened(path: Path, cache: Path, given: CharacterVocabulary | None = None, held_out: float = 0.1) -> TextCache:
    return open_text(find_sources([path], Exclusion()), given, TextRules(held_out=held_out), cache, silent)


def run(output: Path, text: Path, *changes: str, strategy: str = "bert", **options):
    resume = options.pop("resume", False)
    base = options.get("base")
    sizes = [change for change in TINY if base is None or not change.startswith("model")]
    config = load_pretraining_config(strategy, settings=[*sizes, *changes], base=base)
    return pretrain(Texts((text,), **options), output, config, resume)


shapes = st.tuples(st.integers(1, 4), st.integers(8, 60))


@settings(deadline=None)
@given(shapes.flatmap(lambda shape: st.tuples(hnp.arrays(bool, shape), hnp.arrays(bool, shape))), st.integers(0, 99))
def test_strategies_mask_whole_units(flags, key) -> None:
    begins, maskable = flags
    chances = uniform_numbers(key, np.arange(len(begins)), begins.shape[1])
    chosen = draw_positions(begins, maskable, 0.15, chances)
    assert not (chosen & ~maskable).any()
    for row, (starts, allowed, drawn) in enumerate(zip(begins, maskable, chosen, strict=True)):
        budget = max(1, round(0.15 * allowed.sum()))
        assert drawn.any() == allowed.any()
        assert drawn.sum() <= 1.5 * budget + 0.5
        begin = 0
        for end in range(1, len(starts) + 1):
            if end == len(starts) or starts[end] or allowed[end] != allowed[end - 1]:
                if end - begin <= budget:
                    assert drawn[begin:end].all() or not drawn[begin:end].any(), row
                begin = end


def test_strategies_mask_15_percent_at_every_level() -> None:
    draw = np.random.default_rng(0)
    units = np.full((400, 128), 1, np.uint8)
    for level, length in ((Level.WORD, 2), (Level.PHRASE, 4), (Level.ENTITY, 5)):
        units |= (draw.random(units.shape) < 1 / length).astype(np.uint8) << np.uint8(level)
    maskable = np.ones(units.shape, bool)
    for strategy in STRATEGIES.values():
        for stage in range(len(strategy.stages)):
            chosen = strategy.mask(units, maskable, stage, 0.15, uniform_numbers(1, np.arange(400), 129))
            assert chosen.mean() == pytest.approx(0.15, abs=0.006), (strategy.name, stage)


def test_strategies_go_from_characters_to_phrases_to_entities() -> None:
    assert STRATEGIES["ernie"].stages == (Level.CHARACTER, Level.PHRASE, Level.ENTITY)
    assert STRATEGIES["ernie"].levels(2) == (Level.ENTITY,)
    assert STRATEGIES["ernie-tiny"].levels(2) == (Level.CHARACTER, Level.PHRASE, Level.ENTITY)
    assert not STRATEGIES["roberta"].next_sentence
    assert all(STRATEGIES[name].next_sentence for name in STRATEGIES if name != "roberta")


def test_config_gives_ernie_tiny_the_published_shape() -> None:
    model = load_pretraining_config("ernie-tiny", "base").model
    assert (model.layers, model.hidden, model.attention_heads) == (3, 1024, 16)
    assert load_pretraining_config("ernie", "base").model.layers == 12
    assert load_pretraining_config("bert").data.shares == (0.9, 0.1)


@pytest.mark.parametrize(
    ("settings_", "expected"),
    [
        (["optimization.step=3"], "S401.*optimization.steps"),
        (["data.lengths=[64,128]", "data.shares=[1.0]"], "S402.*'data': as many shares"),
        (["data.lengths=[4]"], "S402.*at least 8"),
        (["data.lengths=[1024]"], "S402.*512 positions"),
        (["model.hidden=130", "model.attention_heads=4"], "S402.*does not divide"),
        (["masking.share=2"], "S402.*masking.share"),
    ],
)
def test_config_refuses_impossible_values(settings_, expected) -> None:
    with pytest.raises(SuwenError, match=expected):
        load_pretraining_config("bert", settings=settings_)


def test_noise_does_not_depend_on_neighbors() -> None:
    together = uniform_numbers(7, np.arange(50), 20)
    assert np.array_equal(uniform_numbers(7, np.array([33]), 20)[0], together[33])
    assert len(np.unique(together)) == together.size
    assert together.mean() == pytest.approx(0.5, abs=0.03)
    assert not np.array_equal(uniform_numbers(8, np.arange(50), 20), together)


characters = st.text("糖尿病患者口服药。;治疗", min_size=1, max_size=300)


@settings(deadline=None)
@given(characters, st.integers(8, 40), st.booleans(), st.integers(0, 3))
def test_packing_loses_no_character_and_counts_those_it_repeats(text, length, paired, drawing) -> None:
    vocabulary = CharacterVocabulary.from_texts([text], 1)
    ids = vocabulary.ids(text)
    units = np.full(len(ids), 1, np.uint8)
    room = length - (3 if paired else 2)
    if len(ids) < room:
        with pytest.raises(SuwenError, match="S520"):
            Packer(ids, units, vocabulary, length, paired, 0)
        return
    packer = Packer(ids, units, vocabulary, length, paired, 0)
    sequences = packer.sequences(np.arange(len(packer)), drawing)
    assert sequences.ids.shape == (len(packer), length)
    assert (sequences.ids[:, 0] == vocabulary.id(CLS)).all()
    assert (sequences.ids[:, -1] == vocabulary.id(SEP)).all()
    inside = sequences.ids[:, 1:-1]
    found = np.bincount(inside[inside != vocabulary.id(SEP)], minlength=len(vocabulary))
    surplus = found - np.bincount(ids, minlength=len(vocabulary))
    assert (surplus >= 0).all()
    assert surplus.sum() == packer.repeated


def test_packing_pairs_what_belongs_together_or_reports_failure() -> None:
    # Every character is its own id, so that the place of each in the text is known.
    text = "".join(chr(0x4E00 + i) for i in range(4000))
    vocabulary = CharacterVocabulary.from_texts([text], 1)
    ids = vocabulary.ids(text)
    packer = Packer(ids, np.ones(len(ids), np.uint8), vocabulary, 16, True, 5)
    sequences = packer.sequences(np.arange(len(packer)), 0)
    places = np.zeros(len(vocabulary), int)
    places[ids] = np.arange(len(ids))
    related = []
    for row, segments in zip(sequences.ids, sequences.segments, strict=True):
        cut = int(segments.argmax())
        assert row[cut - 1] == vocabulary.id(SEP)
        assert (np.diff(places[row[1 : cut - 1]]) == 1).all()
        assert (np.diff(places[row[cut:-1]]) == 1).all()
        related.append(places[row[cut]] == places[row[cut - 2]] + 1)
    assert np.array_equal(np.array(related), sequences.unrelated == 0)
    assert 0.35 < np.mean(related) < 0.65


def test_packing_never_masks_specials_or_unknown_characters() -> None:
    vocabulary = CharacterVocabulary.from_texts(["糖尿病"], 1)
    ids = np.append(vocabulary.ids("糖尿 病x" * 20), vocabulary.id(SEP))
    sequences = Packer(ids, np.ones(len(ids), np.uint8), vocabulary, 16, True, 0).sequences(np.arange(4), 0)
    specials = [vocabulary.id(token) for token in (PAD, UNK, CLS, SEP)]
    assert np.array_equal(sequences.maskable, ~np.isin(sequences.ids, specials))


def test_corrupt_replaces_80_10_10() -> None:
    vocabulary = CharacterVocabulary([PAD, UNK, CLS, SEP, MASK, *(chr(0x4E00 + i) for i in range(995))])
    ids = np.full((100, 1000), 500)
    chosen = np.ones_like(ids, bool)
    chosen[:50] = False
    rows = np.arange(100)
    changed = corrupt(ids, chosen, vocabulary, uniform_numbers(1, rows, 1000), uniform_numbers(2, rows, 1000))
    assert (changed[:50] == 500).all()
    assert (changed[50:] == vocabulary.id(MASK)).mean() == pytest.approx(0.8, abs=0.01)
    assert (changed[50:] == 500).mean() == pytest.approx(0.1, abs=0.01)
    assert len(np.unique(changed[50:])) > 900


def masked_batches(text: TextCache, strategy: str, copies: int = 1, steps: int = 40, processes: int = 1):
    units = np.full(len(text.train), 0xFF, np.uint8)
    plan = phases([32], [1.0], steps)
    return MaskedBatches(text, units, STRATEGIES[strategy], MaskingRules(0.15, copies), plan, 32, 0, processes)


def by_sequence(batches: MaskedBatches, begin: int, end: int) -> list[tuple]:
    found = []
    for n in range(begin, end):
        batch = batches[n]
        original = batch["input_ids"].flatten().clone()
        original[batch["positions"]] = batch["targets"]
        found.append(
            (tuple(original.tolist()), tuple(batch["positions"].tolist()), tuple(batch["input_ids"][0].tolist()))
        )
    return found


def test_batches_mask_statically_the_same_every_epoch_and_dynamically_never(text_file, tmp_path) -> None:
    text = opened(text_file, tmp_path / "cache")
    for name in ("bert", "roberta", "ernie"):
        batches = masked_batches(text, name, steps=10_000)
        count = len(batches.packers[32])
        first, second = by_sequence(batches, 0, count), by_sequence(batches, count, 2 * count)
        assert first != second  # the order is new
        if name == "roberta":  # the same sequences, other masks
            assert sorted(row[0] for row in first) == sorted(row[0] for row in second)
        assert (sorted(first) == sorted(second)) == (name == "bert")
    twice = masked_batches(text, "bert", copies=2, steps=10_000)
    epochs = [sorted(by_sequence(twice, i * count, (i + 1) * count)) for i in range(3)]
    assert epochs[0] == epochs[2] != epochs[1]


def test_batches_depend_on_their_number_alone_and_are_shared_out(text_file, tmp_path) -> None:
    text = opened(text_file, tmp_path / "cache")
    one, two = masked_batches(text, "wwm"), masked_batches(text, "wwm", steps=20, processes=2)
    assert len(one) == len(two) == 40
    for number in (39, 3, 17):
        assert all(torch.equal(tensor, two[number][name]) for name, tensor in one[number].items())


def test_phases_follow_the_curriculum() -> None:
    plan = phases([32, 64, 128], [0.5, 0.3, 0.2], 100)
    assert [(phase.start, phase.end, phase.length) for phase in plan] == [(0, 50, 32), (50, 80, 64), (80, 100, 128)]


def test_units_find_phrases_and_terms() -> None:
    draw = np.random.default_rng(1)
    filler = [chr(0x4E00 + i) for i in range(60)]
    words: list[str] = []
    for _ in range(300):
        words += [*draw.choice(filler, 3), "血糖", "升高", *draw.choice(filler, 2), "二甲", "双胍"]
    text = "".join(words)
    vocabulary = CharacterVocabulary.from_texts([text], 1)
    ids = vocabulary.ids(text)
    begins = np.zeros(len(text), bool)
    begins[np.cumsum([0, *map(len, words[:-1])])] = True
    phrases = mark_phrases(ids, begins, np.ones(len(text), bool))
    place = text.index("血糖升高")
    assert phrases[place]
    assert not phrases[place + 1 : place + 4].any()
    assert not (phrases & ~begins).any()
    entities = mark_entities(ids, begins, begins, ["双胍" + words[9], "二甲双胍", "超"], vocabulary)
    place = text.index("二甲双胍")
    assert entities[place : place + 5].tolist() == [True, False, False, False, True]
    # Without a lexicon, a phrase between many neighbors passes for a term.
    terms = mark_entities(ids, begins, phrases, [], vocabulary)
    place = text.index("血糖升高")
    assert terms[place : place + 5].tolist() == [True, False, False, False, True]


def test_passages_read_files_folders_and_compressed_text(tmp_path) -> None:
    (tmp_path / "lines.txt").write_text("第一段。\n第二段。\n", encoding="utf-8")
    (tmp_path / "blank.txt.gz").write_bytes(gzip.compress("甲段。\n\n乙段。\n\n\n丙段。".encode()))
    (tmp_path / "more.xz").write_bytes(lzma.compress("一。\r\n二。\r\n".encode()))
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "1_1.txt").write_text("标题\n\n正文。\n", encoding="utf-8")
    (folder / "1_1.ann").write_text("", encoding="utf-8")

    def read(name: str, layout="auto") -> list[str]:
        (source,) = find_sources([tmp_path / name], Exclusion())
        return list(passages(source, layout))

    assert read("lines.txt") == ["第一段。", "第二段。"]
    assert [passage.strip() for passage in read("blank.txt.gz")] == ["甲段。", "乙段。", "丙段。"]
    assert read("more.xz") == ["一。", "二。"]
    assert [passage.split() for passage in read("documents")] == [["标题", "正文。"]]
    assert len(read("lines.txt", "documents")) == 1


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("latin.txt", "血糖\n".encode() + b"\xff\n", r"S103 .*latin.txt:2: not valid UTF-8 \(byte 0xFF at offset 7\)"),
        ("empty.txt", b"", "S106"),
        ("blank.txt", b"\n \n", "S106"),
        ("cut.xz", lzma.compress("糖".encode())[:-9], "S112"),
        ("short.txt", "糖尿病\n高血压\n冠心病\n".encode(), "S520 too little text"),
        ("one.txt", ("糖尿病患者" * 40).encode(), "S520.*held out"),
    ],
)
def test_run_refuses_bad_text_and_leaves_nothing(tmp_path, name, data, expected) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(SuwenError, match=expected):
        run(tmp_path / "encoder", path, "data.held_out=0.4")
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_run_refuses_a_vocabulary_without_mask(tmp_path, text_file) -> None:
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n糖\n", encoding="utf-8")
    with pytest.raises(SuwenError, match=r"S505 .*vocab.txt: the vocabulary has no \[MASK\]"):
        run(tmp_path / "encoder", text_file, vocabulary=tmp_path / "vocab.txt")
    assert not (tmp_path / "encoder.training").exists()


def test_run_refuses_a_vocabulary_of_another_language(tmp_path, text_file) -> None:
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\n", encoding="utf-8")
    with pytest.raises(SuwenError, match=r"S520 .*the vocabulary knows no held-out character"):
        run(tmp_path / "encoder", text_file, vocabulary=tmp_path / "vocab.txt")
    assert not (tmp_path / "encoder.training").exists()


def test_text_cache_counts_everything_and_is_built_once(text_file, tmp_path) -> None:
    text = opened(text_file, tmp_path / "cache")
    (row,) = text.sources
    assert row["characters"] + row["held_out_characters"] == sum(map(len, lines()))
    assert row["passages"] + row["held_out_passages"] == 120
    assert len(text.train) == row["characters"] + row["passages"]
    assert 0 < row["held_out_passages"] < 40
    assert text.train.dtype == np.uint16
    before = (text.folder / "train.ids").stat().st_mtime_ns
    assert (opened(text_file, tmp_path / "cache").folder / "train.ids").stat().st_mtime_ns == before
    assert len(CharacterVocabulary.from_texts(lines(), 1, limit=20)) == 20
    sources = find_sources([text_file], Exclusion())
    units = open_units(text, sources, TextRules(held_out=0.1), "jieba", frozenset(["空腹血糖"]), silent)
    shown = "".join(text.vocabulary.tokens[i][0] for i in text.train)
    place = shown.index("空腹血糖")
    entity = (units[place : place + 5] >> Level.ENTITY) & 1
    assert entity.tolist() == [1, 0, 0, 0, 1]
    assert (units & 1 == 1).all()


def test_exclusion_keeps_dev_and_test_documents_and_their_groups_out(tmp_path) -> None:
    documents = [
        Document(f"{issue}_{i}", f"第{issue}期第{i}篇,糖尿病治疗。\n") for issue in range(10, 22) for i in (1, 2)
    ]
    write_corpus(documents, tmp_path / "corpus", "brat")
    unlabelled = tmp_path / "unlabelled"
    unlabelled.mkdir()
    for issue in range(10, 22):
        (unlabelled / f"{issue}_9.txt").write_text("无标注文章。\n", encoding="utf-8")
    split = make_split(read_corpus(tmp_path / "corpus"), unit="group", seed=1)
    split.write(tmp_path / "split.json")
    paths = [tmp_path / "corpus", unlabelled]
    exclusion = read_exclusion(tmp_path / "split.json", ["dev", "test"], paths)
    labelled, others = find_sources(paths, exclusion)
    unseen = {name for part in ("dev", "test") for name, _, _ in split.parts[part]}
    assert set(labelled.excluded) == unseen
    assert {file.stem for file in labelled.files} == {document.id for document in documents} - unseen
    assert {name.split("_")[0] for name in others.excluded} == {name.split("_")[0] for name in unseen}
    with pytest.raises(SuwenError, match="S301"):
        read_exclusion(tmp_path / "split.json", ["dev"], [unlabelled])
    with pytest.raises(SuwenError, match="S303"):
        read_exclusion(tmp_path / "split.json", ["held-out"], paths)


@pytest.mark.parametrize(
    ("architecture", "plain_class"), [("bert", BertForPreTraining), ("ngram-bert", NgramBertForPreTraining)]
)
def test_model_loss_is_that_of_transformers(text_file, tmp_path, architecture, plain_class) -> None:
    text = opened(text_file, tmp_path / "cache")
    torch.manual_seed(0)
    config = load_pretraining_config("bert", settings=[*TINY, f"model.architecture={architecture}"])
    model = new_model(config.model, text.vocabulary, True).eval()
    plain = plain_class(model.config).eval()
    plain.load_state_dict(model.state_dict())
    batch = masked_batches(text, "wwm")
    batch.tokens = 256
    tensors = batch[0]
    labels = torch.full(tensors["input_ids"].shape, -100)
    labels.view(-1)[tensors["positions"]] = tensors["targets"]
    expected = plain(
        input_ids=tensors["input_ids"],
        token_type_ids=tensors["token_type_ids"],
        labels=labels,
        next_sentence_label=tensors["next_sentence_label"],
    ).loss
    ours = model(**tensors)["loss"]
    torch.testing.assert_close(ours, expected)
    for mine, theirs in zip(
        torch.autograd.grad(ours, list(model.parameters())),
        torch.autograd.grad(expected, list(plain.parameters())),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-6)


def test_held_out_masks_are_the_same_for_every_recipe(text_file, tmp_path) -> None:
    text = opened(text_file, tmp_path / "cache")
    first, second = HeldOut(text, 32, 10_000, 64), HeldOut(text, 32, 10_000, 320)
    assert torch.equal(first.targets, second.targets)
    assert 0.1 < len(first.targets) / len(text.held_out) < 0.2
    assert 0 < first.unigram_loss(text) < np.log(len(text.vocabulary))


@pytest.mark.parametrize("strategy", ["ernie", "roberta"])
def test_run_writes_a_bert_that_transformers_loads_too(tmp_path, text_file, strategy) -> None:
    manifest = run(tmp_path / "encoder", text_file, "model.architecture=bert", strategy=strategy)
    model = AutoModelForMaskedLM.from_pretrained(tmp_path / "encoder", local_files_only=True)
    _, info = BertForPreTraining.from_pretrained(tmp_path / "encoder", output_loading_info=True, local_files_only=True)
    assert bool(info["missing_keys"]) == (strategy == "roberta")
    assert model.config.hidden_dropout_prob == 0.1
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "encoder", local_files_only=True)
    vocabulary = CharacterVocabulary.read(tmp_path / "encoder" / "vocab.txt")
    assert tokenizer("糖尿病")["input_ids"][1:-1] == vocabulary.ids("糖尿病").tolist()
    assert TransformerEncoder.from_folder(tmp_path / "encoder").width == 16
    assert manifest == json.loads((tmp_path / "encoder" / "manifest.json").read_text(encoding="utf-8"))
    assert [step for step, _ in manifest["held_out"]["curve"]] == [3, 6]
    assert manifest["training"]["tokens"] == 6 * 128
    assert len(manifest["fill_ins"]) == 6
    assert not (tmp_path / "encoder.training").exists()
    assert (tmp_path / "encoder" / "log" / "log.jsonl").is_file()


@pytest.mark.parametrize("architecture", ["bert", "ngram-bert"])
def test_run_continues_from_an_encoder(tmp_path, text_file, architecture) -> None:
    run(tmp_path / "warm", text_file, f"model.architecture={architecture}", strategy="roberta")
    manifest = run(tmp_path / "encoder", text_file, "optimization.learning_rate=1e-9", base=tmp_path / "warm")
    warm, trained = (load_file(tmp_path / name / "model.safetensors") for name in ("warm", "encoder"))
    name = "bert.embeddings.word_embeddings.weight"
    torch.testing.assert_close(warm[name], trained[name], rtol=0, atol=1e-6)
    assert manifest["base"]["name"] == "warm"
    with pytest.raises(SuwenError, match="S406"):
        run(tmp_path / "other", text_file, "model.layers=4", base=tmp_path / "warm")
    with pytest.raises(SuwenError, match="S406"):
        run(tmp_path / "other", text_file, base=tmp_path / "warm", vocabulary=tmp_path / "warm" / "vocab.txt")


def test_run_killed_and_resumed_gives_the_same_weights(tmp_path, text_file) -> None:
    script = (
        "import os, signal, sys, test_pretraining as t\n"
        "from pathlib import Path\n"
        "from transformers import TrainerCallback\n"
        "class Killer(TrainerCallback):\n"
        "    def on_step_end(self, args, state, control, **_):\n"
        "        if state.global_step == 5: os.kill(os.getpid(), signal.SIGKILL)\n"
        "config = t.load_pretraining_config('ernie', settings=[*t.TINY, 'model.dropout=0.1'])\n"
        "t.pretrain(t.Texts((Path(sys.argv[1]),)), Path(sys.argv[2]), config, callbacks=[Killer()])\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "OMP_NUM_THREADS": "1"}
    killed = subprocess.run(
        [sys.executable, "-c", script, str(text_file), str(tmp_path / "resumed")], env=environment, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert (tmp_path / "resumed.training" / "checkpoint-3" / "complete").is_file()
    with pytest.raises(SuwenError, match="S511"):
        run(tmp_path / "resumed", text_file, "model.dropout=0.1", strategy="ernie")
    with pytest.raises(SuwenError, match=r"S508.*configuration"):
        run(tmp_path / "resumed", text_file, strategy="ernie", resume=True)
    run(tmp_path / "resumed", text_file, "model.dropout=0.1", strategy="ernie", resume=True)
    run(tmp_path / "whole", text_file, "model.dropout=0.1", strategy="ernie")
    ours, theirs = (load_file(tmp_path / name / "model.safetensors") for name in ("resumed", "whole"))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.slow
def test_run_learns_more_than_frequencies(tmp_path, text_file) -> None:
    text_file.write_text("".join(f"{line}\n" for line in lines(600)), encoding="utf-8")
    manifest = run(
        tmp_path / "encoder",
        text_file,
        "model.hidden=32",
        "data.lengths=[32]",
        "optimization.steps=600",
        "optimization.batch_tokens=512",
        "optimization.learning_rate=0.005",
        "evaluation.steps=300",
        strategy="roberta",
    )
    assert manifest["held_out"]["loss"] < manifest["held_out"]["unigram_loss"] - 0.3
