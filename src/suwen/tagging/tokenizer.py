"""The tokenizer of a tagger in the form of Hugging Face's libraries: one token for each character."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from functools import cache
from pathlib import Path

from suwen.files import write_json
from suwen.tagging.encode import Featurizer
from suwen.tagging.vocabulary import CLS, MASK, PAD, SEP, UNK, CharacterVocabulary

__all__ = ["write_tokenizer"]


def write_tokenizer(folder: Path, featurizer: Featurizer) -> None:
    """Write ``tokenizer.json`` and ``tokenizer_config.json`` for Hugging Face's libraries.

    It gives the ids of `CharacterVocabulary` for any text, with two exceptions: the literal text of a special token
    (``[CLS]``) is read as that token, not character by character; and all other arrays are suwen's alone.
    """
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    characters = featurizer.characters
    index = {token: i for i, token in enumerate(characters.tokens)}
    tokenizer = Tokenizer(models.WordLevel(index, unk_token=UNK))
    # One replacement of one character by one: a general lower-casing would lengthen some (İ) and touch known capitals.
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex("[" + "".join(f"\\x{{{ord(form):x}}}" for form in forms) + "]"), token)
            for token, forms in _other_forms(characters).items()
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.add_special_tokens([token for token in (PAD, UNK, CLS, SEP, MASK) if token in index])
    if featurizer.special_tokens:
        specials = [(token, index[token]) for token in (CLS, SEP)]
        tokenizer.post_processor = processors.TemplateProcessing(f"{CLS} $A {SEP}", None, specials)
    tokenizer.save(str(folder / "tokenizer.json"))
    roles = {"pad_token": PAD, "unk_token": UNK, "cls_token": CLS, "sep_token": SEP, "mask_token": MASK}
    write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "clean_up_tokenization_spaces": False,
            **{role: token for role, token in roles.items() if token in index},
        },
    )


def _other_forms(characters: CharacterVocabulary) -> dict[str, list[str]]:
    """Return the characters outside the vocabulary that are looked up under another one, by that one."""
    forms: defaultdict[str, list[str]] = defaultdict(list)
    candidates = _characters_with_forms()
    for character, place in zip(candidates, characters.ids(candidates).tolist(), strict=True):
        token = characters.tokens[place]
        if place != characters.unk and token != character:
            forms[token].append(character)
    return dict(forms)


@cache
def _characters_with_forms() -> str:
    """Return the characters that lower-casing or compatibility normalization changes."""
    # The surrogates are no characters.
    every = map(chr, (*range(0xD800), *range(0xE000, 0x110000)))
    return "".join(one for one in every if one.lower() != one or unicodedata.normalize("NFKC", one) != one)
