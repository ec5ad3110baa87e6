import json
import subprocess
import sys
from types import SimpleNamespace

from suwen.model_card import model_card
from suwen.schema import LCDD, Schema

MANIFEST = {
    "name": "clinic",
    "license": "apache-2.0",
    "data": {
        "data_hash": "0f",
        "split": {"unit": "group", "seed": 7},
        "train": {"documents": 12, "characters": 34567, "entities": 890},
        "dev": {"documents": 3, "characters": 4567, "entities": 90},
    },
    "scores": {"dev": {"precision": 0.71234, "recall": 0.5, "f1": 0.58765, "gold": 90}},
    "versions": {"suwen": "0.1.0", "torch": "2.13.0"},
}


def test_model_card_shows_types_data_scores_and_use():
    card = model_card(SimpleNamespace(schema=LCDD), MANIFEST)
    assert card.startswith("---\nlanguage: zh\nlicense: apache-2.0\n")
    assert "# clinic\n" in card
    assert "| Drug | 药品 | Drug |" in card
    assert "| train | 12 | 34,567 | 890 |" in card
    assert "| dev | 71.23 | 50.00 | 58.77 |" in card
    assert "- torch 2.13.0" in card
    assert 'suwen.load("MODEL")' in card


def test_model_card_leaves_out_what_the_manifest_does_not_say():
    card = model_card(SimpleNamespace(schema=Schema.of_labels(["Gene"])), {})
    assert "| Gene | Gene | Gene |" in card
    assert "Scores" not in card
    assert "Training data" not in card


def test_model_card_reports_that_there_was_no_dev_part_instead_of_a_row_of_zeros():
    nothing = {"documents": 0, "characters": 0, "entities": 0}
    manifest = {**MANIFEST, "data": {**MANIFEST["data"], "dev": nothing}, "scores": {}}
    card = model_card(SimpleNamespace(schema=LCDD), manifest)
    assert "| train | 12 | 34,567 | 890 |\n\nThere was no dev part.\n" in card
    assert "| dev |" not in card
    assert "## Scores 评测结果\n\nNone: there was no dev part. " in card


def test_model_card_names_the_teachers():
    taught = {"teachers": [{"name": "a", "hash": "0"}, {"name": "b", "hash": "1"}], "texts": {"characters": 12345}}
    card = model_card(SimpleNamespace(schema=LCDD), {**MANIFEST, "distillation": taught})
    assert "the predictions of 2 other models on this text and on 12,345 characters" in card


def test_model_card_of_a_model_that_was_trained_without_a_dev_part(tmp_path):
    record = {"id": "a", "text": "口服二甲双胍。", "entities": [[2, 6, "Drug"]]}
    (tmp_path / "in.jsonl").write_text(json.dumps(record), encoding="utf-8")
    command = ["train", tmp_path / "in.jsonl", "-o", tmp_path / "model", "--encoder", "dictionary"]
    subprocess.run([sys.executable, "-m", "suwen", *map(str, command)], check=True, capture_output=True)
    card = (tmp_path / "model/README.md").read_text(encoding="utf-8")
    assert "| train | 1 | 7 | 1 |\n\nThere was no dev part.\n" in card
    assert "| dev |" not in card
