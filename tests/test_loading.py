import subprocess
import sys

import pytest
from tiny_tagger import write_tiny_tagger

import suwen
from suwen.errors import SuwenError
from suwen.model_folder import write_stored_model

TEXT = "糖尿病患者口服二甲双胍,每日三次。停用阿卡波糖。"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("loading") / "model"
    write_tiny_tagger(path)
    return path


def test_loading_gives_a_tagger_that_finds_entities(model):
    ner = suwen.load(model)
    document = ner(TEXT)
    assert document.entities
    assert ner.schema.labels == ("Disease", "Drug")
    assert [found.entities for found in ner.pipe([document, document])] == [document.entities] * 2


def test_loading_batches_change_scores_by_rounding_only(model):
    from suwen.loading import load

    documents = [suwen.Document(str(i), TEXT[i:] * (1 + i % 3)) for i in range(len(TEXT))]
    expected = load(model).pipe(documents)
    for document, other in zip(expected, load(model, batch_tokens=30).pipe(documents), strict=True):
        assert [entity.key for entity in document.entities] == [entity.key for entity in other.entities]
        scores = [entity.score for entity in other.entities]
        assert [entity.score for entity in document.entities] == pytest.approx(scores, abs=1e-4)


def test_loading_refuses_a_kind_of_model_that_it_does_not_know(tmp_path):
    write_stored_model(tmp_path / "m", "oracle", {}, lambda folder: None, {}, "")
    with pytest.raises(SuwenError, match=r"S404.*oracle"):
        suwen.load(tmp_path / "m")


@pytest.mark.parametrize("device", ["tpu", "cuda:x", "cuda:", ""])
def test_loading_names_the_devices_that_there_are(model, device):
    with pytest.raises(SuwenError) as refused:
        suwen.load(model, device=device)
    said = "models run on cpu, cuda, cuda:0, cuda:1 …; use cpu, or a device that this machine has"
    assert str(refused.value) == f"S512 cannot run on the device {device!r}: {said}"


@pytest.mark.parametrize("device", ["gpu", "cuda:9999"])
def test_loading_refuses_a_device_that_is_not_there(model, device):
    with pytest.raises(SuwenError, match=f"S512.*'{device}'"):
        suwen.load(model, device=device)


def test_loading_without_torch_reports_what_to_install(model):
    code = f"import sys; sys.modules['torch'] = None; import suwen; suwen.load({str(model)!r})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "not installed: torch; pip install 'suwen[train]'" in result.stderr.splitlines()[-1]


def test_loading_waits_until_it_is_asked_for():
    check = "import sys, suwen; sys.exit(bool({'numpy', 'torch', 'transformers', 'pydantic'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
