"""A tagger with random weights, small enough to be written and loaded in every test."""

import torch

from suwen.model_folder import TaggerSettings, write_model_folder
from suwen.models.encoders import RecurrentEncoder
from suwen.models.tagger import Tagger
from suwen.models.weights import write_tagger
from suwen.schema import Schema
from suwen.schemes import BIO
from suwen.tagging.encode import Featurizer
from suwen.tagging.vocabulary import CharacterVocabulary
from suwen.text.view import ViewRules
from suwen.text.windows import WindowRules


def tiny_bilstm(characters):
    """A BiLSTM over so many characters."""
    return RecurrentEncoder("lstm", characters, embedding=8, hidden=8, layers=1, dropout=0.0)


def write_tiny_tagger(
    path, text="糖尿病患者口服二甲双胍,每日三次。阿卡波糖", labels=("Disease", "Drug"), encoder=tiny_bilstm, head="crf"
):
    """Write the model folder of a tagger that knows the characters of `text`, by default a CRF on a BiLSTM.

    `encoder` makes the encoder for a number of characters. Returns the tagger.
    """
    torch.manual_seed(5)
    characters = CharacterVocabulary.from_texts([text], minimum=1)
    schema = Schema.of_labels(labels)
    tagger = Tagger(encoder(len(characters)), head, BIO.tags(schema.labels), BIO, hidden=8).eval()
    # Random emissions are small: without this a text would be all O.
    tagger.classifier.weight.data *= 40
    write_model_folder(
        path,
        TaggerSettings(
            schema=schema,
            scheme="BIO",
            view=ViewRules(),
            windows=WindowRules(),
            features=("input_ids",),
            special_tokens=False,
            decoding="argmax" if tagger.crf is None else "crf",
            transitions=None if tagger.crf is None else tagger.crf.numpy_transitions(),
        ),
        Featurizer(characters),
        lambda folder: write_tagger(tagger, folder),
        {"seed": 5},
        "# A tagger that has learnt nothing\n",
    )
    return tagger
