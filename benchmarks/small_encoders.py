"""The small encoders that the repository holds: pre-trained by the six recipes of Table 1, kept in 16 bits.

    python benchmarks/small_encoders.py CORPUS --texts PATH... --wider PATH... --lexicon FILE... --runs FOLDER [--keep]

Five of them share a start, plain masked-language modeling, and then continue by their own recipe, so that they
differ in the recipe alone; `ernie-tiny`, whose shape is another, begins again, and reads less in the same time. The
wider text of `wwm-ext` was the first 18 MB of ChinaXiv's preprints of other sciences, and paragraphs of Wikipedia; the
lexicon THUOCL's medical words, crawled lists of diseases, drugs, symptoms and tests, and the names of ICD-10 and
ICD-9-CM-3. The dev and test documents of the
corpus's group split are left out, with all other files of their groups, so that scores on them are honest. With
`--keep` they replace those of the repository: `roberta` is the bundled one. Steps whose output is there are
not repeated. On two cores, with two of these processes side by side, all takes about 80 minutes.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from runs import make_split, markdown, resumed, suwen

from suwen.bundled import BUNDLED, bundled_encoder
from suwen.files import read_json, replacing, sha256, write_json, write_text

PRECISION = ("--set", "optimization.precision=bf16")
LENGTHS = ("--set", "data.lengths=[128,384]", "--set", "data.shares=[0.9,0.1]")
BEGINNING, GOING_ON, ALONE = 22_000, 1_600, 6_000
"""Steps of 2,048 characters."""
WARM = "warm"
BUNDLED_RECIPE = "roberta"
RECIPES = ("bert", "wwm", "wwm-ext", "ernie", "ernie-tiny", BUNDLED_RECIPE)
KEPT = Path("encoders")
FILES = ("config.json", "vocab.txt", "tokenizer.json", "tokenizer_config.json")
LICENSE = "cc-by-nc-4.0"
OF_THE_BEGINNING = ("strategy", "configuration", "versions", "texts", "excluded", "training", "held_out", "fill_ins")
WIDER = ",\npreprints of other sciences (ChinaXiv, CC BY 4.0), paragraphs of Wikipedia (CC BY-SA 4.0)"

CARD = """---
language: zh
license: {license}
library_name: suwen
tags: [fill-mask, medical, chinese]
---

# suwen-mini-{name}

A small encoder of Chinese medical literature, pre-trained by the recipe `{strategy}` with its masked-language-model
head: {layers} layers of width {width}, {parameters:.1f} million weights, in 16 bits. 中文医学文献小型预训练编码器。

{table}

Losses are in nats per masked character of held-out passages; the unigram loss is that of guessing by frequency. The
training text is Chinese medical preprints (ChinaXiv, CC BY 4.0){wider} and articles of LCDD, a
research corpus on diabetes, without the journal issues in the dev and test parts of its group split.

    suwen train CORPUS -o MODEL --encoder {path}
    suwen augment CORPUS -o OUT --encoder {path}

For research on Chinese medical literature. The weights are under CC BY-NC 4.0, because LCDD was published for
research, without a license. It is not a medical device, and its output is not medical advice.
"""


def pretrain(recipe: str, output: Path, texts: list[Path], split: Path, options: list[object]) -> None:
    """Pre-train without the text of the dev and test documents."""
    if not output.exists():
        without = ["--exclude-split", split, "--exclude-part", "dev", "--exclude-part", "test"]
        kept = ["--cache", output.parent / "text", *PRECISION, *LENGTHS, *resumed(output)]
        suwen("pretrain", *texts, "--strategy", recipe, "-o", output, *without, *kept, *options)


def options_of(recipe: str, runs: Path, lexicon: list[Path]) -> list[object]:
    """Return the options of a recipe."""
    terms = [word for file in lexicon for word in ("--lexicon", file)] if recipe.startswith("ernie") else []
    if recipe == "ernie-tiny":
        return [*terms, "--vocab", runs / WARM / "vocab.txt", "--set", f"optimization.steps={ALONE}"]
    return [*terms, "--from", runs / WARM, "--set", f"optimization.steps={GOING_ON}"]


def keep(source: Path, target: Path, path: str) -> None:
    """Write an encoder in 16 bits, with a card."""
    from safetensors.torch import load_file, save_file

    target.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copy(source / name, target / name)
    weights = {name: tensor.half().contiguous() for name, tensor in load_file(source / "model.safetensors").items()}
    with replacing(target / "model.safetensors") as temporary:
        save_file(weights, temporary, {"format": "pt"})
    manifest = read_json(source / "manifest.json")
    files = {name: sha256(target / name) for name in (*FILES, "model.safetensors")}
    held_out, model = manifest["held_out"], manifest["configuration"]["model"]
    begun = 0
    if manifest["base"]:
        # What was read before, and what was left out there.
        warm = read_json(source.parent / WARM / "manifest.json")
        begun = warm["training"]["tokens"]
        manifest["base"] |= {key: warm[key] for key in OF_THE_BEGINNING}
    write_json(target / "manifest.json", manifest | {"license": LICENSE, "files": files})
    read = f"{manifest['training']['tokens'] / 1e6:.1f} million characters"
    if begun:
        read = f"{begun / 1e6:.1f} million characters by plain masked-language modeling, then {read}"
    rows = [
        ("training text", read),
        ("held-out loss", f"{held_out['loss']:.3f}"),
        ("unigram", f"{held_out['unigram_loss']:.3f}"),
    ]
    card = CARD.format(
        license=LICENSE,
        wider=WIDER if manifest["strategy"]["name"] == "wwm-ext" else "",
        name=source.name,
        strategy=manifest["strategy"]["name"],
        layers=model["layers"],
        width=model["hidden"],
        parameters=manifest["training"]["parameters"] / 1e6,
        table=markdown(("", ""), rows),
        path=path,
    )
    write_text(target / "README.md", card)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--texts", type=Path, nargs="+", default=[], help="what all recipes read, the corpus too")
    parser.add_argument("--wider", type=Path, nargs="+", default=[], help="what wwm-ext reads besides")
    parser.add_argument("--lexicon", type=Path, nargs="+", default=[], help="terms for ernie, one a line")
    parser.add_argument("--runs", type=Path, required=True, help="where split and encoders are made")
    parser.add_argument("--only", default=",".join(RECIPES), help="these recipes alone, separated by commas")
    parser.add_argument("--keep", action="store_true", help="put them into the repository")
    arguments = parser.parse_args()
    runs, texts = arguments.runs, arguments.texts
    split = runs / "split-group.json"
    make_split(arguments.corpus, split, "group")
    pretrain(BUNDLED_RECIPE, runs / WARM, texts, split, ["--set", f"optimization.steps={BEGINNING}"])
    for recipe in arguments.only.split(","):
        read = [*texts, *(arguments.wider if recipe == "wwm-ext" else [])]
        pretrain(recipe, runs / recipe, read, split, options_of(recipe, runs, arguments.lexicon))
        if arguments.keep:
            bundled = bundled_encoder(BUNDLED) if recipe == BUNDLED_RECIPE else None
            place = KEPT / recipe
            keep(runs / recipe, bundled or place, BUNDLED if bundled else place.as_posix())


if __name__ == "__main__":
    main()
