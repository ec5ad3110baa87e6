"""The catalog of published encoders, and where their names lead."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from checkpoint_files import SIZES, bert, hidden, state, write_json, write_vocabulary
from safetensors.torch import save_file
from typer.testing import CliRunner

from suwen.cli import app
from suwen.errors import SuwenError
from suwen.models.catalog import CATALOG, encoder_width, find_encoder
from suwen.models.encoders import TransformerEncoder


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache, no hub, and an own working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))


def write_encoder(folder: Path) -> None:
    write_vocabulary(folder)
    write_json(folder / "config.json", {"model_type": "bert", **SIZES})
    save_file(state(bert()), folder / "model.safetensors")


def cache(identifier: str) -> Path:
    """A repository in the cache, laid out as huggingface_hub does."""
    repository = Path("cache") / f"models--{identifier.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc123")
    folder = repository / "snapshots" / "abc123"
    write_encoder(folder)
    return folder


def test_catalog_is_table_1() -> None:
    assert list(CATALOG) == ["bert", "wwm", "wwm-ext", "ernie", "ernie-tiny", "roberta"]
    sizes = {name: (entry.layers, entry.width, entry.heads) for name, entry in CATALOG.items()}
    assert sizes.pop("ernie-tiny") == (3, 1024, 16)
    assert set(sizes.values()) == {(12, 768, 12)}
    assert all(entry.width % entry.heads == 0 for entry in CATALOG.values())


def test_catalog_name_leads_to_a_local_folder_first() -> None:
    cached = cache("hfl/chinese-roberta-wwm-ext")
    assert find_encoder("roberta").resolve() == cached.resolve()
    write_encoder(Path("roberta"))
    assert find_encoder("roberta") == Path("roberta")


def test_catalog_takes_any_name_on_the_hub_that_is_cached() -> None:
    cached = cache("hfl/chinese-macbert-base")
    found = find_encoder("hf://hfl/chinese-macbert-base")
    assert found.resolve() == cached.resolve()
    assert hidden(TransformerEncoder.from_folder(found).model).shape == (2, 6, 8)


def test_catalog_does_not_look_up_a_bare_name_on_the_hub() -> None:
    cache("hfl/chinese-macbert-base")
    with pytest.raises(SuwenError, match=r"S506 .*no such folder; .*hf://hfl/chinese-macbert-base"):
        find_encoder("hfl/chinese-macbert-base")


def test_catalog_takes_the_old_name_of_a_cached_encoder() -> None:
    cached = cache("bert-base-chinese")
    assert find_encoder("bert").resolve() == cached.resolve()


def test_catalog_does_not_take_a_half_downloaded_encoder() -> None:
    (cache("hfl/chinese-roberta-wwm-ext") / "model.safetensors").unlink()
    with pytest.raises(SuwenError, match="S506"):
        find_encoder("roberta")


@pytest.mark.parametrize("name", CATALOG)
def test_catalog_reports_where_to_get_a_missing_encoder(name: str) -> None:
    with pytest.raises(SuwenError) as raised:
        find_encoder(name)
    message = str(raised.value)
    assert message.startswith(f"S506 {name}: no encoder found; ")
    assert "\n" not in message
    where = CATALOG[name].hub[0] if CATALOG[name].hub else "bcebos.com"
    assert where in message


@pytest.mark.parametrize("name", ["robreta", "a/b/c", "owner/does-not-exist", "a\nb"])
def test_catalog_lists_known_encoders_for_other_names(name: str) -> None:
    with pytest.raises(SuwenError) as raised:
        find_encoder(name, ("bilstm",))
    message = str(raised.value)
    assert message.startswith("S506")
    assert "bilstm, bundled, bert, wwm, wwm-ext, ernie, ernie-tiny, roberta" in message
    assert "\n" not in message


def test_cli_encoders_prints_the_catalog() -> None:
    done = CliRunner().invoke(app, ["encoders", "--json"])
    assert done.exit_code == 0
    assert [entry["name"] for entry in json.loads(done.stdout)] == list(CATALOG)
    table = CliRunner().invoke(app, ["encoders"])
    assert table.exit_code == 0
    assert "1024" in table.stdout


def test_cli_encoders_needs_no_torch() -> None:
    code = "import sys; from suwen.cli import app; app(['encoders'], standalone_mode=False)"
    code += "; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_catalog_width_comes_from_the_files_then_from_the_list() -> None:
    assert encoder_width("ernie-tiny") == 1024
    assert encoder_width("nobody/knows-it") is None
    write_encoder(Path("mine"))
    assert encoder_width("mine") == SIZES["hidden_size"]
    cache("hfl/chinese-roberta-wwm-ext")
    assert encoder_width("roberta") == SIZES["hidden_size"]
