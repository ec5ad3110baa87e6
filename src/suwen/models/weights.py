"""The training part of a model folder: ``config.json`` and ``model.safetensors``.

With an FC head on a transformer encoder the folder is a plain Hugging Face token classification model. Every other
tagger has the ``model_type`` ``suwen-tagger``, so that no library loads its encoder with a random classifier.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from huggingface_hub.errors import StrictDataclassError
from safetensors.torch import save_file

from suwen.errors import SuwenError
from suwen.files import read_json, replacing, write_json
from suwen.models.checkpoints.huggingface import read_safetensors
from suwen.models.encoders import RecurrentEncoder, TransformerEncoder
from suwen.models.language_model import frozen_encoder
from suwen.models.pretrained import load_state
from suwen.models.tagger import Tagger
from suwen.models.word_vectors import WordVectors
from suwen.schemes import Scheme

__all__ = ["MODEL_TYPE", "read_tagger", "write_tagger"]

MODEL_TYPE = "suwen-tagger"


def write_tagger(tagger: Tagger, folder: Path, half: bool = False) -> None:
    """Write configuration and weights into an existing folder; with `half` in fp16, otherwise in fp32."""
    task_class = _task_class(tagger)
    state = tagger.state_dict()
    if task_class:
        assert isinstance(tagger.encoder, TransformerEncoder)
        prefix = f"{tagger.encoder.prefix}."
        state = {name.replace("encoder.model.", prefix, 1): tensor for name, tensor in state.items()}
        labels = dict(enumerate(tagger.tags))
        config = {
            **_transformer_config(tagger.encoder, half),
            "architectures": [task_class],
            "id2label": labels,
            "label2id": {tag: i for i, tag in labels.items()},
            "classifier_dropout": tagger.options["dropout"],
        }
    else:
        encoder = tagger.encoder
        options = encoder.options if isinstance(encoder, RecurrentEncoder) else _transformer_config(encoder, half)
        words = encoder.words and encoder.words.options
        config = {"model_type": MODEL_TYPE, **tagger.options, "encoder": options, "words": words}
        if isinstance(encoder, RecurrentEncoder) and encoder.language_model:
            config["language_model"] = encoder.language_model.options
    write_json(folder / "config.json", config)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    if half:
        tensors = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    # safetensors makes files that only their owner may read.
    with replacing(folder / "model.safetensors") as temporary:
        save_file(tensors, temporary, metadata={"format": "pt"})


def _transformer_config(encoder: TransformerEncoder, half: bool) -> dict[str, Any]:
    config: dict[str, Any] = encoder.config.to_dict()
    # Drop the local path of the encoder (privacy).
    config.pop("_name_or_path", None)
    return {**config, "dtype": "float16" if half else "float32"}


def _task_class(tagger: Tagger) -> str | None:
    """Return the token classification class this tagger is equal to, or None."""
    if tagger.options["head"] != "fc" or not isinstance(tagger.encoder, TransformerEncoder) or tagger.encoder.words:
        return None
    from transformers import MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING

    task_class = MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING[type(tagger.encoder.config)]
    # The library cannot load an architecture of our own by itself.
    return str(task_class.__name__) if task_class.__module__.startswith("transformers.") else None


def read_tagger(folder: Path, tags: tuple[str, ...], scheme: Scheme, frozen: bool = False) -> Tagger:
    """Build the tagger of a model folder and load its weights.

    Raises
    ------
    SuwenError
        S501 when the configuration is missing or unusable, S504 when tensors are missing or left over, S509 when the
        weights are damaged.
    """
    if not (folder / "config.json").is_file():
        raise SuwenError("S501", folder, reason="it has no weights to train on (config.json is missing)")
    config = read_json(folder / "config.json")
    try:
        encoder: RecurrentEncoder | TransformerEncoder
        if config["model_type"] == MODEL_TYPE:
            options = config["encoder"]
            words = WordVectors(**config["words"]) if config.get("words") else None
            if "cell" in options:
                known = frozen_encoder(config["language_model"]) if "language_model" in config else None
                encoder = RecurrentEncoder(**options, words=words, language_model=known)
            else:
                encoder = TransformerEncoder(options, words)
            tagger = Tagger(encoder, config["head"], tags, scheme, config["hidden"], config["dropout"], frozen)
        else:
            encoder = TransformerEncoder(config)
            tagger = Tagger(encoder, "fc", tags, scheme, dropout=config.get("classifier_dropout") or 0, frozen=frozen)
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, StrictDataclassError) as error:
        raise SuwenError("S501", folder / "config.json", reason=f"unusable configuration ({error!r})") from None
    state = read_safetensors(folder / "model.safetensors")
    if config["model_type"] != MODEL_TYPE:
        assert isinstance(encoder, TransformerEncoder)
        prefix = f"{encoder.prefix}."
        state = {
            f"encoder.model.{name.removeprefix(prefix)}" if name.startswith(prefix) else name: tensor
            for name, tensor in state.items()
        }
    load_state(tagger, state, folder)
    return tagger
