"""Build an untrained tagger with its vocabularies and settings from a configuration and the training part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch

from suwen.corpus.split import Selection
from suwen.errors import SuwenError
from suwen.files import read_json
from suwen.model_folder import ModelFolder, TaggerSettings, read_model_folder
from suwen.models.catalog import find_encoder, is_language_model
from suwen.models.encoders import Masking, RecurrentEncoder, TransformerEncoder, read_vocabulary
from suwen.models.language_model import FrozenEncoder, LanguageModel, read_frozen_with_vocabulary
from suwen.models.recurrent import Recurrent
from suwen.models.sentencepiece import read_subwords
from suwen.models.tagger import Tagger
from suwen.models.weights import read_tagger
from suwen.models.word_vectors import WordVectors, read_word_vectors
from suwen.schema import Schema
from suwen.schemes import scheme_named
from suwen.tagging.encode import Example, Featurizer, Losses, encode_gold, prepare
from suwen.tagging.lexicon import Lexicon
from suwen.tagging.vocabulary import MASK, BigramVocabulary, CharacterVocabulary
from suwen.text.view import ViewRules, make_view
from suwen.text.windows import WindowRules
from suwen.training.config import SCRATCH, BaseEncoder, EncoderConfig, TrainingConfig

__all__ = ["TaggerParts", "base_encoder", "build", "continue_from", "encode"]


CELLS: dict[str, Literal["gru", "cnn"]] = {"bigru": "gru", "cnn": "cnn"}
"""The recurrent or convolutional layer by the name of the encoder; for all others an LSTM."""


@dataclass(frozen=True, slots=True)
class TaggerParts:
    """A tagger with its featurizer and its settings; the settings have no learned transitions yet."""

    tagger: Tagger
    featurizer: Featurizer
    settings: TaggerSettings


def build(config: TrainingConfig, selections: Sequence[Selection], schema: Schema) -> TaggerParts:
    """Build the tagger that a configuration describes.

    Parameters
    ----------
    selections
        The training part; vocabularies of encoders that start from random weights are taken from its text.

    Raises
    ------
    SuwenError
        S506 when the encoder is not found, S402 when its input is shorter than the windows or a setting means nothing
        to it, S406 for a frozen encoder of random weights.
    """
    encoder: RecurrentEncoder | TransformerEncoder
    options = config.encoder
    over_language_model = is_language_model(options.name)
    _check_language_model_settings(options, over_language_model)
    random = options.name in SCRATCH or options.initialization == "random"
    if options.transfer == "feature-extraction" and random:
        raise SuwenError(
            "S406",
            first="feature extraction",
            second=f"the encoder {options.name!r}, whose weights are random",
            advice="give a pretrained encoder and its weights, or --from a trained model",
        )
    if options.name in SCRATCH:
        encoder, featurizer = _from_scratch(config, selections)
    elif over_language_model:
        encoder, featurizer = _over_language_model(config, selections)
    else:
        encoder, featurizer = _from_folder(config)
    _check_length(encoder, config)
    if options.masking:
        if isinstance(encoder, RecurrentEncoder):
            raise SuwenError("S402", key="encoder.masking", reason=f"{options.name} has no [MASK]; transformers have")
        encoder.masking = Masking(options.masking, featurizer.characters.id(MASK))
    scheme = scheme_named(config.head.scheme)
    tagger = Tagger(
        encoder,
        config.head.name,
        scheme.tags(schema.labels),
        scheme,
        config.head.hidden,
        config.head.dropout,
        options.transfer == "feature-extraction",
    )
    settings = TaggerSettings(
        schema=schema,
        scheme=scheme.name,
        view=ViewRules(config.inputs.join_wrapped_lines),
        windows=WindowRules(config.inputs.length, config.inputs.overlap, config.inputs.context, config.inputs.pack),
        features=featurizer.names,
        special_tokens=featurizer.special_tokens,
        decoding=config.head.decoding if config.head.name == "fc" else "crf",
    )
    return TaggerParts(tagger, featurizer, settings)


def _check_language_model_settings(options: EncoderConfig, over_language_model: bool) -> None:
    """Refuse settings that only taggers over language models have, and those that such taggers lack.

    Raises
    ------
    SuwenError
        S402 for the former, S406 for the latter.
    """
    if over_language_model:
        advice = "leave it out: language models do not learn with the tagger"
        for key, value in (("initialization", "random"), ("transfer", "feature-extraction")):
            if getattr(options, key) == value:
                raise SuwenError("S406", first=f"encoder.{key}={value}", second=repr(options.name), advice=advice)
    elif options.language_models != "states" or options.state_width:
        key = "state_width" if options.state_width else "language_models"
        reason = f"{options.name} is not a folder of language models (suwen pretrain --encoder bilstm)"
        raise SuwenError("S402", key=f"encoder.{key}", reason=reason)
    if options.state_width and options.language_models == "weights":
        reason = "with encoder.language_models=weights, the states are not read"
        raise SuwenError("S402", key="encoder.state_width", reason=reason)


def _from_folder(config: TrainingConfig) -> tuple[TransformerEncoder, Featurizer]:
    folder = find_encoder(config.encoder.name, (*SCRATCH, "dictionary", "hmm", "feature-crf"))
    encoder = TransformerEncoder.from_folder(folder)
    if config.encoder.initialization == "random":
        encoder = TransformerEncoder(encoder.config.to_dict())
    _set_dropout(encoder, config.encoder.dropout)
    return encoder, _featurizer(folder, encoder, config)


def _set_dropout(encoder: TransformerEncoder, share: float) -> None:
    """Set this dropout everywhere, also in the configuration that is written with the model."""
    encoder.config.hidden_dropout_prob = encoder.config.attention_probs_dropout_prob = share
    for module in encoder.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = share


def _featurizer(folder: Path, encoder: TransformerEncoder, config: TrainingConfig) -> Featurizer:
    """Return the featurizer of a pretrained encoder; its vocabulary cannot have more ids than the encoder.

    The encoder is given the vectors of words, if there are any.
    """
    vocabulary = read_vocabulary(folder)
    if len(vocabulary) > encoder.config.vocab_size:
        reason = f"the vocabulary has {len(vocabulary)} tokens, the encoder {encoder.config.vocab_size}"
        raise SuwenError("S505", folder, reason=reason)
    subwords = read_subwords(folder, vocabulary)
    if subwords and config.encoder.words:
        raise SuwenError("S402", key="encoder.words", reason="the encoder reads sub-words, words need characters")
    lexicon, encoder.words = _words(config, vocabulary)
    return Featurizer(vocabulary, special_tokens=True, subwords=subwords, lexicon=lexicon)


def _words(config: TrainingConfig, characters: CharacterVocabulary) -> tuple[Lexicon | None, WordVectors | None]:
    """Return the lexicon and the vectors that the configuration names, if it does."""
    if not config.encoder.words:
        return None, None
    return read_word_vectors(Path(config.encoder.words), characters, config.encoder.word_dropout)


def _from_scratch(
    config: TrainingConfig, selections: Sequence[Selection]
) -> tuple[RecurrentEncoder | TransformerEncoder, Featurizer]:
    options = config.encoder
    texts = _texts(config, selections)
    characters = CharacterVocabulary.from_texts(texts, options.minimum_count)
    lexicon, words = _words(config, characters)
    if options.name == "transformer":
        if options.hidden % options.attention_heads:
            reason = f"it is no multiple of encoder.attention_heads = {options.attention_heads}"
            raise SuwenError("S402", key="encoder.hidden", reason=reason)
        encoder = TransformerEncoder(
            {
                "model_type": "bert",
                "vocab_size": len(characters),
                "hidden_size": options.hidden,
                "num_hidden_layers": options.layers,
                "num_attention_heads": options.attention_heads,
                "intermediate_size": 4 * options.hidden,
                "hidden_dropout_prob": options.dropout,
                "attention_probs_dropout_prob": options.dropout,
                "max_position_embeddings": 512,
                "pad_token_id": characters.pad,
            },
            words,
        )
        return encoder, Featurizer(characters, special_tokens=True, lexicon=lexicon)
    return _recurrent(config, texts, characters, lexicon, words)


def _texts(config: TrainingConfig, selections: Sequence[Selection]) -> list[str]:
    """Return the views of all that is learned from."""
    rules = ViewRules(config.inputs.join_wrapped_lines)
    return [
        make_view(selection.document.text[start:end], rules).text
        for selection in selections
        for start, end in selection.spans
    ]


def _over_language_model(
    config: TrainingConfig, selections: Sequence[Selection]
) -> tuple[RecurrentEncoder, Featurizer]:
    """Build a BiLSTM that reads the states of character language models, with their vocabulary."""
    known, characters = read_frozen_with_vocabulary(Path(config.encoder.name))
    lexicon, words = _words(config, characters)
    read = None if config.encoder.language_models == "weights" else known
    encoder, featurizer = _recurrent(config, _texts(config, selections), characters, lexicon, words, read)
    if config.encoder.language_models != "states":
        _start_from(encoder, known, config)
    elif isinstance(known, LanguageModel) and encoder.characters.weight.shape == known.characters.weight.shape:
        # Characters that the annotated text lacks keep a place among their like.
        own, theirs = encoder.characters.weight, known.characters.weight
        with torch.no_grad():
            own.copy_(theirs / theirs.std() * own.std())
    return encoder, featurizer


def _start_from(encoder: RecurrentEncoder, known: FrozenEncoder, config: TrainingConfig) -> None:
    """Copy embeddings and the first layer of the language models; what else the layer reads starts again.

    Raises
    ------
    SuwenError
        S402 when the tagger has other sizes, or the folder holds other encoders.
    """
    if not isinstance(known, LanguageModel):
        raise SuwenError("S402", key="encoder.language_models", reason="the folder also has other encoders: use states")
    for key in ("embedding", "hidden"):
        wanted, found = known.options[key], getattr(config.encoder, key)
        if wanted != found:
            raise SuwenError("S402", key=f"encoder.{key}", reason=f"{found}, but the language models have {wanted}")
    width = known.options["embedding"]
    assert isinstance(encoder.recurrent, Recurrent)
    directions = (encoder.recurrent.forward_layers, encoder.recurrent.backward_layers)
    with torch.no_grad():
        encoder.characters.weight.copy_(known.characters.weight)
        for own, theirs in zip(directions, known.directions, strict=True):
            source = dict(theirs.forward_layers[0].named_parameters())
            for name, parameter in own[0].named_parameters():
                target = parameter[:, :width] if name == "weight_ih_l0" else parameter
                target.copy_(source[name])


def _recurrent(
    config: TrainingConfig,
    texts: Sequence[str],
    characters: CharacterVocabulary,
    lexicon: Lexicon | None,
    words: WordVectors | None,
    language_model: FrozenEncoder | None = None,
) -> tuple[RecurrentEncoder, Featurizer]:
    """Build a BiLSTM, BiGRU or CNN of random weights over the given inputs."""
    options = config.encoder
    bigrams = None
    if options.bigrams:
        bigrams = BigramVocabulary.from_texts(texts, characters, options.minimum_bigram_count)
    encoder = RecurrentEncoder(
        CELLS.get(options.name, "lstm"),
        len(characters),
        options.embedding,
        options.hidden,
        options.layers,
        options.dropout,
        len(bigrams) if bigrams else 0,
        options.bigram_embedding if bigrams else 0,
        words,
        language_model,
        options.state_width if language_model else 0,
    )
    return encoder, Featurizer(characters, bigrams, lexicon=lexicon)


def _check_length(encoder: RecurrentEncoder | TransformerEncoder, config: TrainingConfig) -> None:
    limit = getattr(getattr(encoder, "config", None), "max_position_embeddings", None)
    if limit is not None and config.inputs.length + 2 > limit:
        reason = f"with [CLS] and [SEP] it exceeds the encoder's {limit} positions"
        raise SuwenError("S402", key="inputs.length", reason=reason)


def continue_from(path: Path, config: TrainingConfig, schema: Schema) -> TaggerParts:
    """Continue from a trained tagger: its tags keep their weights, new tags start from random ones.

    Vocabularies, view, windows, encoder, head and scheme are those of the model; the optimization is the
    configuration's.

    Raises
    ------
    SuwenError
        As `suwen.model_folder.read_model_folder` and `suwen.models.weights.read_tagger`.
    """
    folder: ModelFolder = read_model_folder(path)
    scheme = scheme_named(folder.settings.scheme)
    old = read_tagger(path, folder.settings.tags, scheme)
    frozen = config.encoder.transfer == "feature-extraction"
    tags = scheme.tags(schema.labels)
    options = old.options
    tagger = Tagger(old.encoder, options["head"], tags, scheme, options["hidden"], options["dropout"], frozen)
    if old.recurrent is not None and tagger.recurrent is not None:
        tagger.recurrent.load_state_dict(old.recurrent.state_dict())
    _copy_known_tags(old, tagger)
    settings = replace(folder.settings, schema=schema, transitions=None, calibration=None, least_confidence=0.0)
    return TaggerParts(tagger, folder.featurizer, settings)


def base_encoder(path: Path) -> BaseEncoder:
    """Return the encoder that a trained tagger began with; without a name where its manifest does not say.

    Raises
    ------
    SuwenError
        As `suwen.model_folder.read_model_folder`.
    """
    configuration = read_model_folder(path).manifest.get("configuration") or {}
    name = str((configuration.get("encoder") or {}).get("name", ""))
    stored = read_json(path / "config.json") if (path / "config.json").is_file() else {}
    encoder = stored.get("encoder", stored)
    width = encoder.get("hidden_size")
    return BaseEncoder(name, width if isinstance(width, int) else None, "cell" in encoder)


def _copy_known_tags(old: Tagger, new: Tagger) -> None:
    """Copy the classifier's rows and the CRF's scores of the tags that both have."""
    pairs = [(new.tags.index(tag), old.tags.index(tag)) for tag in old.tags if tag in new.tags]
    targets, sources = (torch.tensor(column) for column in zip(*pairs, strict=True))
    with torch.no_grad():
        new.classifier.weight[targets] = old.classifier.weight[sources]
        new.classifier.bias[targets] = old.classifier.bias[sources]
        if old.crf is not None and new.crf is not None:
            new.crf.start[targets] = old.crf.start[sources]
            new.crf.end[targets] = old.crf.end[sources]
            new.crf.transitions[targets[:, None], targets] = old.crf.transitions[sources[:, None], sources]


def encode(selections: Sequence[Selection], start: TaggerParts) -> tuple[list[Example], Losses]:
    """Cut selections into windows with tags, and count the gold entities that these cannot express."""
    settings = start.settings
    scheme = scheme_named(settings.scheme)
    examples: list[Example] = []
    total = Losses()
    for selection in selections:
        prepared = prepare(
            selection.document.text, settings.view, settings.windows, selection.spans, start.featurizer.subwords
        )
        found, losses = encode_gold(selection.gold, prepared, start.featurizer, scheme, settings.schema.labels)
        examples += found
        total.entities += losses.entities
        total.lost += losses.lost
    return examples, total
