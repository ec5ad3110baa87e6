"""Model files in THULAC's formats, and the words that its rules give, computed the slow and obvious way."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

TAGS = "0231"
"""Begin, end, single, middle: the order of the published model."""

FULL = str.maketrans({chr(code): chr(code + 65248) for code in range(33, 128)})
SINGLES, PARTICLES = "!\"#'()*+,/:;=>?@[]~‘’“”…◤★☆、。《》【】！（），：；？", "么吧呢啊"
OTHERS = "$%&-.<\\^_{|}·—￥不也了价兮则吗否呀呃呐呕呗呦呵咧咯哇哈哉哟哩哪唻啦啰啵喽嘛嘞嘢噢噻嚜家来欤欸的给罗罢耶般连阿"

Feature = tuple[str, str]
"""One or two characters and a number."""


def features_at(line: str, place: int) -> list[Feature]:
    """The seven features of a character."""
    padded = f"##{line}##".translate(FULL)
    two_before, before, here, after, two_after = padded[place : place + 5]
    return [
        (here, "1"),
        (before, "2"),
        (after, "3"),
        (before + here, "1"),
        (here + after, "2"),
        (two_before + before, "3"),
        (after + two_after, "4"),
    ]


def write_trie(path: Path, entries: Mapping[tuple[int, ...], int]) -> None:
    """A double array whose entries lead to a cell that holds their value."""
    size = 1 << 17
    base, check = [0] * size, [-1] * size
    check[0] = 0
    waiting = [(0, dict(entries))]
    while waiting:
        node, below = waiting.pop()
        children: dict[int, dict[tuple[int, ...], int]] = {}
        for keys, value in below.items():
            if keys:
                children.setdefault(keys[0], {})[keys[1:]] = value
            else:
                base[node] = value
        if children:
            places = range(1, size) if node else range(1)
            base[node] = next(place for place in places if all(check[place + key] < 0 for key in children))
            for key, rest in children.items():
                check[base[node] + key] = node
                waiting.append((base[node] + key, rest))
    used = max(place for place in range(size) if check[place] >= 0) + 1
    np.stack([base[:used], check[:used]], axis=1).astype("<i4").tofile(path)


def write_model(
    folder: Path,
    weights: Mapping[Feature, Sequence[int]],
    transitions: Sequence[int] = (0,) * 16,
    dictionaries: Sequence[Iterable[str]] = ((), (), ()),
) -> Path:
    """A folder as the one in the package."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cws_label.txt").write_text("\n".join(TAGS) + "\n")
    rows = [number for row in weights.values() for number in row]
    np.array([4, len(weights), *transitions, *rows], "<i4").tofile(folder / "cws_model.bin")
    keys = {(*map(ord, name), 32, ord(number)): i for i, (name, number) in enumerate(weights)}
    write_trie(folder / "cws_dat.bin", keys)
    for name, words in zip(("ns.dat", "idiom.dat", "singlepun.dat"), dictionaries, strict=True):
        write_trie(folder / name, {(*map(ord, word), 0): i for i, word in enumerate(words)} or {(1, 0): 0})
    return folder


def slow_masks(line: str) -> tuple[str, list[int]]:
    """The characters that are read and their admitted tags (1 begin, 2 middle, 4 end, 8 single), one after another."""
    read, masks = "", []
    blank = special = alone = False
    for character in line:
        if character in " \u3000":
            if not blank:
                if masks:
                    masks[-1] &= 12
                read, masks = read + character, [*masks, 9]
            blank, special = True, False
            continue
        read += character
        if character in SINGLES + PARTICLES + OTHERS:
            lonely = character in SINGLES + PARTICLES
            if lonely and (blank or special):
                if special:
                    masks[-1] &= 12
                masks.append(8)
                alone = alone or character in SINGLES
            else:
                masks.append(2 if special and not alone else 9)
                alone = character in SINGLES
            special = True
        else:
            if special:
                masks[-1] &= 12
            masks.append(9 if blank or (special and alone) else 15)
            alone = alone and not special
            special = False
        blank = False
    for title in range(len(line)):
        end = line.find("》", title)
        inside = line[title + 1 : end].replace(" ", "").replace("\u3000", "") if line[title] == "《" and end > 0 else ""
        if 0 < len(inside) <= 10 and not set(inside) & set(SINGLES + PARTICLES + OTHERS):
            start = len(slow_masks(line[: title + 1])[0])
            masks[start : start + len(inside)] = [9] if len(inside) == 1 else [1, *[2] * (len(inside) - 2), 4]
    masks[0] &= 9
    masks[-1] &= 12
    masks[0] = masks[0] or 9
    masks[-1] = masks[-1] or 12
    return read, [mask or 15 for mask in masks]


def slow_cut(
    line: str,
    weights: Mapping[Feature, Sequence[int]],
    transitions: Sequence[int],
    dictionaries: Sequence[Iterable[str]],
) -> list[str]:
    """The words of a line that is not empty."""
    read, masks = slow_masks(line)
    bits = [1 << int(tag) for tag in TAGS]
    follows = {(1, 2), (1, 4), (2, 2), (2, 4), (4, 1), (4, 8), (8, 1), (8, 8)}
    best: list[dict[int, tuple[int, int | None]]] = []
    for place, mask in enumerate(masks):
        best.append({})
        given = [weights[feature] for feature in features_at(read, place) if feature in weights]
        for tag in (tag for tag in range(4) if mask & bits[tag]):
            score = sum(row[tag] for row in given)
            before = [
                (best[-2][other][0] + transitions[4 * other + tag], -other)
                for other in range(4)
                if place and (bits[other], bits[tag]) in follows and best[-2].get(other, (0, None))[1] is not None
            ]
            if before:
                best[-1][tag] = score + max(before)[0], -max(before)[1]
            else:
                best[-1][tag] = score, None if place else -1
    tags = [0] * len(read)
    tag: int | None = max(best[-1], key=lambda one: (best[-1][one][0], -one))
    for place in range(len(read) - 1, -1, -1):
        if tag is None:
            break
        tags[place] = tag
        tag = best[place][tag][1]
    cuts = [place for place in range(len(read)) if not place or bits[tags[place]] in (1, 8)]
    words = [read[start:end] for start, end in itertools.pairwise([*cuts, len(read)])]
    for entries in dictionaries:
        words = _joined(words, set(entries))
    return words


def _joined(words: list[str], entries: set[str]) -> list[str]:
    joined = []
    while words:
        together = [word for word in itertools.accumulate(words) if any(entry.startswith(word) for entry in entries)]
        size = max((i for i, word in enumerate(together, 1) if i > 1 and word in entries), default=1)
        joined.append("".join(words[:size]))
        words = words[size:]
    return joined
