"""Training runs: batches, schedules, resumption, continuation."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoint_files import SIZES, randomize, write_vocabulary
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from transformers import BertConfig, BertForPreTraining, TrainerState, set_seed

from suwen.corpus.split import whole
from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.formats import write_corpus
from suwen.loading import load
from suwen.model_folder import read_model_folder
from suwen.models.weights import write_tagger
from suwen.runs import working_folder
from suwen.schema import Schema
from suwen.tagging.calibration import Calibration
from suwen.tagging.encode import Example
from suwen.training.batches import Collator, LengthBatches
from suwen.training.build import TaggerParts, build
from suwen.training.checkpoints import last_checkpoint
from suwen.training.config import BaseEncoder, EvaluationConfig, TrainingConfig, load_training_config
from suwen.training.taggers import select_data, train_tagger
from suwen.training.trainer import is_better, stop_reason

DRUGS = ["二甲双胍", "阿卡波糖", "格列美脲", "利拉鲁肽", "西格列汀", "胰岛素"]
DISEASES = ["糖尿病", "高血压", "冠心病", "肥胖症", "脂肪肝"]
TINY = (
    "encoder.hidden=12",
    "encoder.embedding=12",
    "encoder.bigram_embedding=6",
    "encoder.minimum_count=1",
    "inputs.length=64",
    "inputs.pack=24",
    "inputs.context=8",
    "inputs.overlap=8",
    "optimization.batch_tokens=128",
    "optimization.average=0.9",
    "optimization.least_steps=0",
    "encoder.dropout=0.3",
    "head.dropout=0.3",
    "optimization.learning_rate=0.01",
)


def corpus(count: int = 24, labels: tuple[str, str] = ("Drug", "Disease")) -> list[Document]:
    draw = np.random.default_rng(7)
    documents = []
    for i in range(count):
        text, entities = "", []
        for _ in range(3):
            disease, drug = draw.choice(DISEASES), draw.choice(DRUGS)
            entities.append(Entity(labels[1], len(text) + 2, len(text) + 2 + len(disease)))
            text += f"老年{disease}患者口服"
            entities.append(Entity(labels[0], len(text), len(text) + len(drug)))
            text += f"{drug}治疗。"
        documents.append(Document(f"{i:02d}", text, tuple(entities)))
    return documents


@pytest.fixture(autouse=True)
def few_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suwen.training.data.LEAST_ENTITIES_FOR_DEV", 1)


def config(*changes: str, preset: str = "best") -> TrainingConfig:
    return load_training_config(preset, settings=[*TINY, *changes])


def run(output: Path, *changes: str, documents: list[Document] | None = None, **options):
    documents = documents or corpus()
    data = select_data(documents, None, "train", 0)
    return train_tagger(data, output, config(*changes), Schema.of_labels(data.labels), **options)


def weights(model: Path) -> dict[str, torch.Tensor]:
    return load_file(model / "model.safetensors")


def assert_same_weights(first: Path, second: Path) -> None:
    ours, theirs = weights(first), weights(second)
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert torch.equal(ours[name], theirs[name]), name


def test_training_with_a_dev_part_without_text_is_one_without_scores(tmp_path) -> None:
    data = replace(select_data(corpus(4), None, "train", 0), dev=whole([Document("blank", " \n")]))
    report = train_tagger(data, tmp_path / "model", config("optimization.epochs=1"), Schema.of_labels(data.labels))
    assert report.scores is None
    assert not report.manifest["scores"]


lengths = st.lists(st.integers(1, 200), min_size=1, max_size=60)


@given(lengths, st.integers(0, 8), st.integers(1, 600), st.integers(0, 3))
def test_batches_hold_every_window_once_and_keep_their_number(sizes, sentences, tokens, epoch) -> None:
    batches = LengthBatches(sizes, sentences, tokens, seed=1)
    batches.set_epoch(epoch)
    drawn = list(batches)
    assert sorted(i for batch in drawn for i in batch) == list(range(len(sizes)))
    assert len(drawn) == len(batches)
    assert drawn == list(batches)
    for batch in drawn:
        if sentences:
            assert len(batch) <= sentences
        elif len(batch) > 1:
            assert max(-(-sizes[i] // 8) * 8 for i in batch) * len(batch) <= tokens


def test_batches_differ_between_epochs_and_seeds() -> None:
    sizes = [10] * 40
    batches, other = LengthBatches(sizes, 4, 0, seed=1), LengthBatches(sizes, 4, 0, seed=2)
    first = list(batches)
    assert list(other) != first
    batches.set_epoch(1)
    assert list(batches) != first


def test_batches_under_the_paper_preset_hold_32_sentences() -> None:
    options = load_training_config("paper").optimization
    sizes = list(range(1, 97))
    assert [len(batch) for batch in LengthBatches(sizes, options.batch_sentences, options.batch_tokens, 0)] == [32] * 3


def test_collator_pads_with_the_given_ids() -> None:
    examples = [
        Example({"input_ids": np.array([5, 6, 7], np.int32)}, (1, 3), np.array([1, 2], np.int16)),
        Example({"input_ids": np.array([8], np.int32)}, (0, 1), np.array([3], np.int16)),
    ]
    batch = Collator({"input_ids": 9})(examples)
    assert batch["input_ids"].tolist() == [[5, 6, 7], [8, 9, 9]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert batch["core_start"].tolist() == [1, 0]
    assert batch["core_length"].tolist() == [2, 1]
    assert batch["tags"].tolist() == [[1, 2], [3, 0]]


def evaluations(name: str, values: list[float]) -> list[dict[str, float]]:
    return [{"eval_f1": 0.0, "eval_loss": 0.0, name: value} for value in values]


@pytest.mark.parametrize(
    ("stop", "patience", "values", "ends"),
    [
        ("loss", 1, [3.0, 2.0, 2.5], True),
        ("loss", 1, [3.0, 2.0, 2.0], False),
        ("loss", 2, [3.0, 2.0, 2.5], False),
        ("loss", 2, [3.0, 2.0, 2.5, 2.6], True),
        ("f1", 2, [0.1, 0.5, 0.4], False),
        ("f1", 2, [0.1, 0.5, 0.4, 0.5], True),
        ("f1", 2, [0.0, 0.0, 0.0, 0.0], False),
        ("never", 1, [9.0, 1.0, 5.0], False),
        ("loss", 1, [], False),
        ("f1", 1, [], False),
    ],
)
def test_trainer_stops_by_the_dev_scores(stop: str, patience: int, values: list[float], ends: bool) -> None:
    history = evaluations("eval_f1" if stop == "f1" else "eval_loss", values)
    assert bool(stop_reason(history, EvaluationConfig(stop=stop, patience=patience))) is ends


@pytest.mark.parametrize(
    ("f1", "loss", "better"),
    [(0.5, 9.0, True), (0.3, 0.1, False), (0.4, 1.9, True), (0.4, 2.0, False), (0.4, 2.1, False)],
)
def test_trainer_keeps_a_higher_f1_or_the_same_with_a_lower_loss(f1: float, loss: float, better: bool) -> None:
    state = TrainerState(best_metric=0.4, best_global_step=20)
    state.log_history = [{"step": 10, "eval_f1": 0.4, "eval_loss": 3.0}, {"step": 20, "loss": 1.0}]
    state.log_history += [
        {"step": 20, "eval_f1": 0.4, "eval_loss": 2.0},
        {"step": 30, "eval_f1": 0.1, "eval_loss": 1.0},
    ]
    assert is_better({"eval_f1": f1, "eval_loss": loss}, state) is better
    assert is_better({"eval_f1": 0.0, "eval_loss": 9.0}, TrainerState())


def test_training_learns_a_simple_corpus_and_writes_a_whole_model(tmp_path: Path) -> None:
    report = run(tmp_path / "model", "optimization.epochs=12", "optimization.batch_tokens=64")
    assert report.scores is not None
    assert report.scores.micro.f1 > 0.9
    assert report.losses["train"].expressible == 1.0
    assert not working_folder(tmp_path / "model", "training").exists()
    manifest = json.loads((tmp_path / "model" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["expressible"]["dev"]["lost"] == {}
    assert manifest["configuration"]["optimization"]["epochs"] == 12
    assert list((tmp_path / "model" / "log").glob("events.out.tfevents*"))
    assert "Drug" in (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    document = load(tmp_path / "model")("老年糖尿病患者口服阿卡波糖治疗。")
    assert [(entity.label, document.mention(entity)) for entity in document.entities] == [
        ("Disease", "糖尿病"),
        ("Drug", "阿卡波糖"),
    ]


@pytest.mark.parametrize(
    "changes",
    [
        ("encoder.name=bigru", "head.name=lstm-crf", "head.hidden=4", "head.scheme=BIOES"),
        ("encoder.name=transformer", "encoder.attention_heads=2", "head.name=fc", "head.decoding=argmax"),
        ("encoder.name=transformer", "encoder.attention_heads=2", "head.name=bilstm-crf", "head.hidden=4"),
        ("encoder.name=bilstm", "encoder.bigrams=false", "head.name=fc", "optimization.batch_sentences=8"),
        ("encoder.name=cnn", "encoder.layers=2", "head.name=crf"),
    ],
)
def test_training_covers_encoders_and_heads(tmp_path: Path, changes: tuple[str, ...]) -> None:
    report = run(tmp_path / "model", "optimization.epochs=1", *changes)
    assert report.manifest["training"]["steps"] > 0
    assert load(tmp_path / "model")("老年糖尿病患者口服阿卡波糖治疗。").text.startswith("老年")


def encoder_folder(folder: Path) -> Path:
    """A small BERT whose weights are unlike those that BERTs begin with."""
    write_vocabulary(folder)
    randomize(BertForPreTraining(BertConfig(**{**SIZES, "max_position_embeddings": 80}))).save_pretrained(folder)
    return folder


def untrained(folder: Path, *changes: str) -> TaggerParts:
    made = config(f"encoder.name={folder}", *changes)
    documents = corpus(2)
    set_seed(made.seed)
    return build(made, whole(documents), Schema.of_labels(["Drug", "Disease"]))


def test_training_takes_a_folders_architecture_and_vocabulary_without_its_weights(tmp_path: Path) -> None:
    folder = encoder_folder(tmp_path / "encoder")
    stored = weights(folder)["bert.encoder.layer.1.output.LayerNorm.weight"]
    pretrained, random = untrained(folder), untrained(folder, "encoder.initialization=random")
    states = [start.tagger.encoder.model.state_dict() for start in (pretrained, random)]
    assert {name: tensor.shape for name, tensor in states[0].items()} == {
        name: tensor.shape for name, tensor in states[1].items()
    }
    assert torch.equal(states[0]["encoder.layer.1.output.LayerNorm.weight"], stored)
    assert torch.equal(states[1]["encoder.layer.1.output.LayerNorm.weight"], torch.ones_like(stored))
    words = [state["embeddings.word_embeddings.weight"] for state in states]
    assert words[1].std() < 0.05 < words[0].std()
    assert random.featurizer.characters.tokens == pretrained.featurizer.characters.tokens
    again = untrained(folder, "encoder.initialization=random").tagger.encoder.model.state_dict()
    assert torch.equal(again["embeddings.word_embeddings.weight"], words[1])


@pytest.mark.parametrize("initialization", ["pretrained", "random"])
def test_training_from_a_folder_drops_as_the_configuration_says(tmp_path: Path, initialization: str) -> None:
    folder = encoder_folder(tmp_path / "encoder")
    tagger = untrained(
        folder, f"encoder.initialization={initialization}", "encoder.dropout=0.25", "head.name=fc"
    ).tagger
    assert {module.p for module in tagger.encoder.modules() if isinstance(module, torch.nn.Dropout)} == {0.25}
    write_tagger(tagger, tmp_path)
    written = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    assert (written["hidden_dropout_prob"], written["attention_probs_dropout_prob"]) == (0.25, 0.25)


def test_training_hides_characters_from_the_encoder_while_it_learns_and_then_no_more(tmp_path: Path) -> None:
    start = untrained(encoder_folder(tmp_path / "encoder"), "encoder.masking=0.25", "encoder.dropout=0")
    seen: list[torch.Tensor] = []
    start.tagger.encoder.model.register_forward_pre_hook(
        lambda module, args, kwargs: seen.append(kwargs["input_ids"]), with_kwargs=True
    )
    ids = torch.full((50, 80), start.featurizer.characters.id("糖"))
    start.tagger.train().emissions(ids, torch.ones_like(ids))
    start.tagger.eval().emissions(ids, torch.ones_like(ids))
    hidden = seen[0] == start.featurizer.characters.id("[MASK]")
    assert torch.equal(seen[0][~hidden], ids[~hidden])
    assert 0.2 < hidden.float().mean() < 0.3
    assert torch.equal(seen[1], ids)


def test_training_hides_characters_from_transformers_alone() -> None:
    with pytest.raises(SuwenError, match=r"S402 .*encoder\.masking.*bilstm"):
        build(config("encoder.name=bilstm", "encoder.masking=0.1"), whole(corpus(2)), Schema.of_labels(["Drug"]))


def test_training_fits_confidences_to_the_dev_part_unless_they_are_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("suwen.training.taggers.LEAST_MENTIONS", 1)
    learning = ("optimization.epochs=12", "optimization.batch_tokens=64")
    run(tmp_path / "fitted", *learning)
    fitted = read_model_folder(tmp_path / "fitted").settings.calibration
    assert fitted is not None
    assert fitted.slope >= 0
    run(tmp_path / "given", *learning, "confidence.slope=0.5", "confidence.intercept=-1", "confidence.least=0.25")
    given = read_model_folder(tmp_path / "given").settings
    assert (given.calibration, given.least_confidence) == (Calibration(0.5, -1.0), 0.25)
    text = "老年糖尿病患者口服阿卡波糖治疗。"
    ours, theirs = (load(tmp_path / name)(text).entities for name in ("fitted", "given"))
    assert [entity.key for entity in ours] == [entity.key for entity in theirs]
    assert [entity.score for entity in ours] != [entity.score for entity in theirs]


def test_training_names_an_encoder_folder_without_its_place(tmp_path: Path) -> None:
    folder = encoder_folder(tmp_path / "my-encoder")
    report = run(tmp_path / "model", f"encoder.name={folder}", "optimization.epochs=1")
    assert report.manifest["configuration"]["encoder"]["name"] == "my-encoder"
    assert str(tmp_path) not in (tmp_path / "model" / "manifest.json").read_text(encoding="utf-8")


def test_training_leaves_confidences_alone_where_there_is_too_little_to_fit_them_to(tmp_path: Path) -> None:
    run(tmp_path / "model", "optimization.epochs=12", "optimization.batch_tokens=64")
    settings = read_model_folder(tmp_path / "model").settings
    assert (settings.calibration, settings.least_confidence) == (None, 0.0)


def test_training_takes_both_numbers_of_a_calibration_or_none() -> None:
    with pytest.raises(SuwenError, match=r"S402 .*slope and intercept go together"):
        config("confidence.slope=0.5")


def test_training_does_not_freeze_an_encoder_of_random_weights(tmp_path: Path) -> None:
    folder = encoder_folder(tmp_path / "encoder")
    assert untrained(folder, "encoder.transfer=feature-extraction")
    with pytest.raises(SuwenError, match=r"S406 feature extraction .*random"):
        untrained(folder, "encoder.transfer=feature-extraction", "encoder.initialization=random")


def word_vectors(path: Path) -> Path:
    draw = np.random.default_rng(0)
    rows = [" ".join([word, *(f"{x:.3f}" for x in draw.normal(size=5))]) for word in [*DRUGS, *DISEASES, "患者"]]
    path.write_text("\n".join([f"{len(rows)} 5", *rows, ""]), encoding="utf-8")
    return path


@pytest.mark.parametrize("encoder", ["bilstm", "transformer"])
def test_training_with_words_writes_a_model_that_resumes_and_finds_the_same(tmp_path: Path, encoder: str) -> None:
    vectors = word_vectors(tmp_path / "vectors.txt")
    changes = (f"encoder.name={encoder}", f"encoder.words={vectors}", "optimization.epochs=4")
    report = run(tmp_path / "model", *changes)
    manifest = report.manifest
    assert manifest["configuration"]["encoder"]["words"] == "vectors.txt"
    assert manifest["training"]["learnt_parameters"] == manifest["training"]["parameters"] - 13 * 5
    # The words are read from the file in training alone, and no model has them.
    vectors.unlink()
    assert not any(word.encode() in (tmp_path / "model" / "lexicon.npy").read_bytes() for word in DRUGS)
    assert load(tmp_path / "model")(corpus()[0].text).entities
    run(tmp_path / "again", "optimization.epochs=1", base=tmp_path / "model")
    (table,) = [name for name in weights(tmp_path / "model") if "words" in name]
    assert torch.equal(weights(tmp_path / "model")[table], weights(tmp_path / "again")[table])
    assert load(tmp_path / "again")(corpus()[0].text).entities


def test_training_goes_through_a_small_corpus_more_often(tmp_path: Path) -> None:
    changes = ("optimization.batch_tokens=4096", "optimization.least_steps=40", "evaluation.stop=never")
    report = run(tmp_path / "model", "optimization.epochs=1", *changes)
    assert report.manifest["training"]["steps"] == 40
    assert len(report.manifest["training"]["evaluations"]) == 20


def test_training_with_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        run(tmp_path / name, "optimization.epochs=1", f"seed={seed}")
    assert_same_weights(tmp_path / "a", tmp_path / "b")
    with pytest.raises(AssertionError):
        assert_same_weights(tmp_path / "a", tmp_path / "c")


TRAIN = """
import os, sys
sys.path[:0] = {paths!r}
import suwen.training.data as data
import suwen.training.schedule as schedule
from test_training import run
data.LEAST_ENTITIES_FOR_DEV = 1
schedule.SECONDS_BETWEEN_CHECKPOINTS = 0.0
step = int(os.environ["KILL_AT"])
from transformers import TrainerCallback
class Killer(TrainerCallback):
    def on_step_begin(self, args, state, control, **_):
        if state.global_step == step:
            os.kill(os.getpid(), 9)
run({output!r}, {changes!r}, resume={resume!r}, callbacks=[Killer()])
"""


@pytest.mark.slow
@pytest.mark.parametrize("kill_at", [0, 3, 7, 11])
def test_training_killed_and_resumed_equals_an_uninterrupted_run(tmp_path: Path, kill_at: int) -> None:
    changes = "optimization.epochs=3"
    whole = run(tmp_path / "whole", changes)
    steps = whole.manifest["training"]["steps"]
    assert steps > 11
    for attempt, resume in ((kill_at, False), (-1, True)):
        code = TRAIN.format(
            paths=[str(Path(__file__).parent)], output=tmp_path / "cut", changes=changes, resume=resume
        ).replace("PosixPath", "__import__('pathlib').Path")
        done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "KILL_AT": str(attempt)}, check=False)
        assert done.returncode == (-9 if attempt >= 0 else 0)
    assert_same_weights(tmp_path / "whole", tmp_path / "cut")


class InterruptError(Exception):
    """Stands for a kill in tests that run in this process."""


def interrupting(step: int):
    from transformers import TrainerCallback

    class Interrupting(TrainerCallback):
        def on_step_begin(self, args, state, control, **_) -> None:
            if state.global_step == step:
                raise InterruptError

    return Interrupting()


@pytest.mark.parametrize("step", [0, 3, 10])
def test_training_interrupted_and_resumed_equals_an_uninterrupted_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    # A checkpoint after every step, so that a run can be taken up in the middle of an epoch.
    monkeypatch.setattr("suwen.training.schedule.SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    run(tmp_path / "whole", "optimization.epochs=2")
    with pytest.raises(InterruptError):
        run(tmp_path / "cut", "optimization.epochs=2", callbacks=[interrupting(step)])
    run(tmp_path / "cut", "optimization.epochs=2", resume=True)
    assert_same_weights(tmp_path / "whole", tmp_path / "cut")
    lines = (tmp_path / "cut" / "log" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    steps = [json.loads(line)["step"] for line in lines if "eval_f1" in line]
    assert steps == sorted(set(steps))


def test_training_finished_but_not_written_is_only_written_on_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise InterruptError

    with monkeypatch.context() as patch:
        patch.setattr("suwen.training.taggers._write_model", fail)
        with pytest.raises(InterruptError):
            run(tmp_path / "model", "optimization.epochs=1")
    report = run(tmp_path / "model", "optimization.epochs=1", resume=True, callbacks=[interrupting(0)])
    run(tmp_path / "whole", "optimization.epochs=1")
    assert report.scores is not None
    assert_same_weights(tmp_path / "whole", tmp_path / "model")


def test_training_ignores_a_half_written_checkpoint(tmp_path: Path) -> None:
    whole, half = tmp_path / "checkpoint-4", tmp_path / "checkpoint-9"
    for folder in (whole, half):
        folder.mkdir()
        (folder / "trainer_state.json").write_text('{"global_step": 4}')
    (whole / "complete").touch()
    assert last_checkpoint(tmp_path) == whole
    assert not half.exists()


def test_training_without_a_dev_part_keeps_the_last_average(tmp_path: Path) -> None:
    report = run(tmp_path / "model", "optimization.epochs=1", documents=corpus(6))
    assert report.scores is None
    assert report.manifest["scores"] == {}
    run(tmp_path / "again", "optimization.epochs=1", documents=corpus(6))
    assert_same_weights(tmp_path / "model", tmp_path / "again")


def test_training_refuses_an_output_that_exists(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(SuwenError, match="S104"):
        run(tmp_path / "model")


def test_training_refuses_to_forget_an_unfinished_run(tmp_path: Path) -> None:
    with pytest.raises(InterruptError):
        run(tmp_path / "model", callbacks=[interrupting(0)])
    with pytest.raises(SuwenError, match="S511"):
        run(tmp_path / "model")
    with pytest.raises(SuwenError, match=r"S508 .*differs in configuration \(seed\)"):
        run(tmp_path / "model", "seed=5", resume=True)
    with pytest.raises(SuwenError, match=r"S508 .*differs in data"):
        run(tmp_path / "model", documents=corpus(25), resume=True)


def test_training_interrupted_is_not_resumed_with_other_word_vectors(tmp_path: Path) -> None:
    vectors = word_vectors(tmp_path / "vectors.txt")
    changes = (f"encoder.words={vectors}", "optimization.epochs=1")
    with pytest.raises(InterruptError):
        run(tmp_path / "model", *changes, callbacks=[interrupting(0)])
    vectors.write_text(vectors.read_text(encoding="utf-8").replace("0.1", "0.2"), encoding="utf-8")
    with pytest.raises(SuwenError, match=r"S508 .*differs in word vectors"):
        run(tmp_path / "model", *changes, resume=True)


def test_training_has_nothing_to_resume_at_first(tmp_path: Path) -> None:
    with pytest.raises(SuwenError, match="S507"):
        run(tmp_path / "model", resume=True)


def test_training_that_cannot_begin_leaves_nothing(tmp_path: Path) -> None:
    for changes, code in ((["encoder.name=nosuch"], "S506"), (["encoder.name=transformer"], "S402")):
        with pytest.raises(SuwenError, match=code):
            run(tmp_path / "model", *changes, "encoder.attention_heads=5")
        assert not list(tmp_path.iterdir())


def test_training_data_of_near_copies_has_no_dev_part() -> None:
    text = "老年糖尿病患者长期口服阿卡波糖治疗后血糖水平明显下降,未见低血糖等不良反应发生。" * 5
    documents = [Document(f"{i}", text, (Entity("Disease", 2, 5),)) for i in range(12)]
    assert len(select_data(documents, None, "train", 0).train) == 12


def test_training_ends_when_the_loss_is_not_finite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_number(self, input_ids, attention_mask, **_) -> torch.Tensor:
        return self.classifier.weight.sum() * torch.full((*input_ids.shape, 5), torch.nan)

    monkeypatch.setattr("suwen.models.tagger.Tagger.emissions", no_number)
    with pytest.raises(SuwenError, match="S510"):
        run(tmp_path / "model")


def test_training_continues_from_a_model_with_other_labels(tmp_path: Path) -> None:
    run(tmp_path / "first", "optimization.epochs=3")
    report = run(
        tmp_path / "second",
        "optimization.epochs=1",
        "optimization.learning_rate=1e-9",
        "optimization.head_learning_rate=1e-9",
        "optimization.crf_learning_rate=1e-9",
        "optimization.average=0",
        documents=corpus(labels=("Drug", "Illness")),
        base=tmp_path / "first",
    )
    first, second = weights(tmp_path / "first"), weights(tmp_path / "second")
    torch.testing.assert_close(second["encoder.characters.weight"], first["encoder.characters.weight"])
    drug = {"first": ["O", "B-Disease", "I-Disease", "B-Drug", "I-Drug"], "second": ["O", "B-Drug", "I-Drug"]}
    torch.testing.assert_close(
        second["classifier.weight"][1:3], first["classifier.weight"][drug["first"].index("B-Drug") :][:2]
    )
    assert report.manifest["base"] == "first"
    assert report.manifest["configuration"]["encoder"]["hidden"] == 12
    assert load(tmp_path / "second").settings.schema.labels == ("Drug", "Illness")


def test_training_data_is_split_when_there_is_no_split(monkeypatch: pytest.MonkeyPatch) -> None:
    data = select_data(corpus(20), None, "train", 0)
    assert (len(data.train), len(data.dev)) == (18, 2)
    monkeypatch.setattr("suwen.training.data.LEAST_ENTITIES_FOR_DEV", 100)
    assert select_data(corpus(20), None, "train", 0).dev == []
    assert select_data(corpus(9), None, "train", 0).dev == []
    with pytest.raises(SuwenError, match="S307"):
        select_data([Document("a", "无实体。")], None, "train", 0)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("optimization.epoch=3", "S401 unknown key 'optimization.epoch'; did you mean 'optimization.epochs'?"),
        ("optimisation.epochs=3", "S401 unknown key 'optimisation'; did you mean 'optimization'?"),
        ("optimization.epochs=many", "S402 invalid value for 'optimization.epochs'"),
        ("epochs", "S402 invalid value for 'epochs': the form is key=value"),
        ("head.scheme=BIOE", "S402 invalid value for 'head.scheme': input should be 'BIO', 'BIOES' or 'BMES'; see"),
        ("seed.deep=3", "S402 invalid value for 'seed'"),
        ("seed=-1", "S402 invalid value for 'seed'"),
        ("encoder=5", "S402 invalid value for 'encoder': it is a table"),
        ("preset=papers", "S404 unknown preset 'papers'"),
        ("preset.x=1", "S404 unknown preset"),
    ],
)
def test_config_names_what_is_wrong_in_one_line(setting: str, message: str) -> None:
    with pytest.raises(SuwenError) as raised:
        load_training_config(settings=["seed=1", setting])
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


def test_config_file_wins_over_preset_and_settings_over_file(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text('preset = "paper"\nseed = 3\n[optimization]\nepochs = 2\n', encoding="utf-8")
    made = load_training_config("best", path, {"encoder.name": "bigru"}, ["optimization.epochs=9"])
    assert (made.preset, made.seed, made.optimization.epochs, made.encoder.name) == ("paper", 3, 9, "bigru")
    path.write_text("seed = = 3", encoding="utf-8")
    with pytest.raises(SuwenError, match=r"S403 .*run\.toml"):
        load_training_config("best", path)


def test_config_preset_may_be_a_setting() -> None:
    made = load_training_config("best", settings=["preset=paper"])
    assert (made.preset, made.head.name, made.optimization.epochs) == ("paper", "fc", 6)


def test_config_of_a_run_from_a_trained_model_keeps_its_architecture() -> None:
    assert load_training_config("best", base_encoder=BaseEncoder("folder")).optimization.learning_rate == 5e-5
    assert load_training_config("best", base_encoder=BaseEncoder("folder", 256)).optimization.learning_rate == 4.5e-4
    recurrent = BaseEncoder("bilstm", recurrent=True)
    assert load_training_config("best", base_encoder=recurrent).optimization.learning_rate == 2e-3
    assert load_training_config(
        "best", settings=["encoder.transfer=feature-extraction"], base_encoder=BaseEncoder("bilstm")
    )
    with pytest.raises(SuwenError, match=r"S406 --from cannot be combined with head\.name"):
        load_training_config("best", settings=["head.name=fc"], base_encoder=BaseEncoder("bilstm", recurrent=True))


@pytest.mark.parametrize(
    ("encoder", "values"),
    [
        (("bigru",), [2e-3, 0.5, 0.0, 0.5]),
        (("cnn",), [2e-3, 0.5, 0.0, 0.5]),
        (("transformer",), [1e-3, 0.1, 0.15, 0.3]),
        (("bert",), [5e-5, 0.1, 0.15, 0.3]),
        (("bert", "encoder.initialization=random"), [1e-3, 0.1, 0.15, 0.3]),
    ],
)
def test_config_best_fits_the_encoder_unless_told_otherwise(encoder: tuple[str, ...], values: list[float]) -> None:
    def fitted(made: TrainingConfig) -> list[float]:
        return [made.optimization.learning_rate, made.encoder.dropout, made.encoder.masking, made.head.dropout]

    name, *changes = encoder
    assert fitted(load_training_config("best", None, {"encoder.name": name}, changes)) == values
    keys = ("optimization.learning_rate", "encoder.dropout", "encoder.masking", "head.dropout")
    chosen = [f"{key}=0.25" for key in keys]
    assert fitted(load_training_config("best", None, {"encoder.name": name}, [*changes, *chosen])) == [0.25] * 4
    assert load_training_config("paper", None, {"encoder.name": name}, changes).optimization.learning_rate == 5e-5


def test_config_preset_paper_is_table_3() -> None:
    made = load_training_config("paper")
    options = made.optimization
    assert (options.learning_rate, options.batch_sentences, options.weight_decay, options.epochs) == (5e-5, 32, 0.01, 6)
    assert (made.evaluation.steps, made.evaluation.stop, made.evaluation.patience) == (1000, "loss", 1)
    assert (made.head.name, made.head.hidden, made.inputs.length) == ("fc", 128, 510)


@settings(max_examples=20, deadline=None)
@given(st.text(max_size=30))
def test_config_never_fails_in_another_way(setting: str) -> None:
    with suppress(SuwenError):
        load_training_config(settings=[setting])


def suwen(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "suwen", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_cli_train_evaluates_and_extracts_with_its_model(tmp_path: Path) -> None:
    write_corpus(corpus(), tmp_path / "corpus", "brat")
    changes = [part for change in (*TINY, "optimization.epochs=1") for part in ("--set", change)]
    split = tmp_path / "split.json"
    assigned = suwen("corpus", "split", tmp_path / "corpus", "-o", split, "--unit", "document", "--ratio", "8:1:1")
    assert assigned.returncode == 0, assigned.stderr
    done = suwen("train", tmp_path / "corpus", "-o", tmp_path / "model", "--split", split, "--json", *changes)
    assert done.returncode == 0, done.stderr
    counts = {part: json.loads(done.stdout)["data"][part]["documents"] for part in ("train", "dev")}
    assert counts["train"] > counts["dev"] > 0
    assert "strict P" in done.stderr
    scores = suwen("evaluate", tmp_path / "model", tmp_path / "corpus", "--json")
    assert scores.returncode == 0, scores.stderr
    assert json.loads(scores.stdout)["strict_entity"]["micro"]["gold"] == 144
    again = suwen("train", tmp_path / "corpus", "-o", tmp_path / "model", *changes)
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr.startswith("S104")


def test_cli_train_answers_bad_input_in_one_line(tmp_path: Path) -> None:
    write_corpus(corpus(3), tmp_path / "corpus", "brat")
    for arguments, code in (
        (("train", tmp_path / "missing", "-o", tmp_path / "m"), "S101"),
        (("train", tmp_path / "corpus", "-o", tmp_path / "m", "--encoder", "no-such-encoder"), "S506"),
        (("train", tmp_path / "corpus", "-o", tmp_path / "m", "--set", "encoder.hiden=3"), "S401"),
        (("train", tmp_path / "corpus", "-o", tmp_path / "m", "--transfer", "feature-extraction"), "S406"),
        (("train", tmp_path / "corpus", "-o", tmp_path / "m", "--from", tmp_path / "corpus"), "S501"),
    ):
        done = suwen(*arguments)
        assert done.returncode == 2, done.stderr
        assert done.stderr.startswith(code)
        assert len(done.stderr.splitlines()) == 1
        # Nothing half-written stays.
        assert [path.name for path in tmp_path.iterdir()] == ["corpus"]
