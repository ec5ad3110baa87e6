"""The paper's experiments as data: the rows of tables 2 and 4 to 7 with its figures, and what it claims of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

__all__ = [
    "ADDED",
    "AUGMENTING",
    "BEST",
    "BY_ENTITY",
    "CLAIMS",
    "EXTRA_TABLES",
    "RECIPES",
    "REPORTED_RANGE",
    "SYSTEMS",
    "TABLES",
    "TABLE_2",
    "TABLE_NAMES",
    "Claim",
    "Contrast",
    "Reported",
    "Row",
    "System",
    "Table",
    "systems_of",
]

RECIPES = {
    "bert": "BERT",
    "wwm": "BERT-WWM",
    "wwm-ext": "BERT-WWM-EXT",
    "ernie": "ERNIE",
    "ernie-tiny": "ERNIE-tiny",
    "roberta": "RoBERTa",
}
"""The encoders of Table 1, by their names in `suwen.models.catalog`."""

FROM_SCRATCH = {"bigru": "BiGRU", "bilstm": "BiLSTM", "cnn": "CNN"}
BASELINES = {"dictionary": "Dictionary", "hmm": "HMM", "feature-crf": "Feature CRF"}
HEADS = {"fc": "", "crf": "-CRF", "lstm-crf": "-LSTM-CRF", "bilstm-crf": "-BiLSTM-CRF"}
AUGMENTING = "ernie"
"""The encoder whose masked language model generates D'."""

BEST = "best"
"""The encoder of the project's own setting; the profile names it."""

Head = Literal["fc", "crf", "lstm-crf", "bilstm-crf"]


@dataclass(frozen=True, slots=True)
class System:
    """A system: everything that is trained, apart from split and seed.

    Parameters
    ----------
    encoder
        A key of `RECIPES` or `FROM_SCRATCH`, a baseline, or `BEST`.
    head
        What turns vectors into tags (Table 7).
    augmented
        Whether it learns from D ∪ D' (tables 5 to 7) or from D alone.
    frozen
        Feature extraction (Table 6).
    """

    encoder: str
    head: Head = "fc"
    augmented: bool = True
    frozen: bool = False

    @property
    def name(self) -> str:
        """The name of its folders: ``roberta-crf``, ``bert-fc-original``, ``bert-fc-frozen``."""
        if self.encoder in BASELINES or self.encoder == BEST:
            return self.encoder
        return f"{self.encoder}-{self.head}{'-frozen' * self.frozen}{'-original' * (not self.augmented)}"

    @property
    def title(self) -> str:
        """Its name in the paper."""
        if self.encoder == BEST:
            return "suwen"
        return {**RECIPES, **FROM_SCRATCH, **BASELINES}[self.encoder] + HEADS[self.head]

    @property
    def pretrained(self) -> bool:
        """Return whether it starts from one of the six encoders."""
        return self.encoder in RECIPES

    @property
    def baseline(self) -> bool:
        """Return whether it is one of the cheap early systems, which have no seed."""
        return self.encoder in BASELINES


@dataclass(frozen=True, slots=True)
class Reported:
    """The figures of the paper, in percent."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table; `reported` is None for rows that the paper does not have."""

    system: System
    reported: Reported | None = None
    section: tuple[str, str] = ("", "")
    """The heading that it stands under, in Chinese and English."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the paper."""

    number: str
    zh: str
    en: str
    rows: tuple[Row, ...]


def _row(system: System, figures: tuple[float, float, float], section: tuple[str, str] = ("", "")) -> Row:
    return Row(system, Reported(*figures), section)


ORIGINAL, AUGMENTED = ("原始数据", "original data"), ("增强数据", "augmented data")
SCRATCH, PRETRAINED = ("从头训练", "from scratch"), ("预训练模型", "pretrained")
EXTRACTION, FINE_TUNING = ("特征抽取", "feature extraction"), ("微调", "fine-tuning")

_BERT, _ERNIE, _TINY = (90.968, 91.048, 91.008), (90.659, 90.527, 90.593), (89.466, 89.348, 89.407)
_ROBERTA = (91.164, 91.254, 91.209)

TABLES: dict[str, Table] = {
    "4": Table(
        "4",
        "原始数据与增强数据",
        "Original and augmented data",
        (
            _row(System("bert", augmented=False), (90.778, 90.674, 90.726), ORIGINAL),
            _row(System("ernie", augmented=False), (90.488, 90.354, 90.421), ORIGINAL),
            _row(System("ernie-tiny", augmented=False), (89.361, 89.162, 89.261), ORIGINAL),
            _row(System("bert"), _BERT, AUGMENTED),
            _row(System("ernie"), _ERNIE, AUGMENTED),
            _row(System("ernie-tiny"), _TINY, AUGMENTED),
        ),
    ),
    "5": Table(
        "5",
        "预训练模型与从头训练的模型",
        "Pretrained models and models from scratch",
        (
            _row(System("bigru"), (89.431, 81.842, 85.443), SCRATCH),
            _row(System("bigru", "crf"), (88.463, 84.332, 86.341), SCRATCH),
            _row(System("bilstm"), (89.511, 82.251, 85.700), SCRATCH),
            _row(System("bilstm", "crf"), (89.113, 84.983, 86.992), SCRATCH),
            _row(System("bert"), _BERT, PRETRAINED),
            _row(System("wwm"), (91.023, 91.108, 91.065), PRETRAINED),
            _row(System("wwm-ext"), (91.059, 90.996, 91.027), PRETRAINED),
            _row(System("ernie"), _ERNIE, PRETRAINED),
            _row(System("ernie-tiny"), _TINY, PRETRAINED),
            _row(System("roberta"), _ROBERTA, PRETRAINED),
        ),
    ),
    "6": Table(
        "6",
        "特征抽取与微调",
        "Feature extraction and fine-tuning",
        (
            _row(System("bert", frozen=True), (90.881, 90.983, 90.932), EXTRACTION),
            _row(System("ernie", frozen=True), (90.519, 90.639, 90.579), EXTRACTION),
            _row(System("roberta", frozen=True), (91.109, 91.275, 91.192), EXTRACTION),
            _row(System("bert"), _BERT, FINE_TUNING),
            _row(System("ernie"), _ERNIE, FINE_TUNING),
            _row(System("roberta"), _ROBERTA, FINE_TUNING),
        ),
    ),
    "7": Table(
        "7",
        "RoBERTa 的下游模型",
        "Heads on top of RoBERTa",
        (
            _row(System("roberta"), _ROBERTA),
            _row(System("roberta", "crf"), (91.187, 91.358, 91.270)),
            _row(System("roberta", "lstm-crf"), (90.615, 90.784, 90.697)),
            # From these P and R follows 90.865; the paper prints 90.650.
            _row(System("roberta", "bilstm-crf"), (90.820, 90.911, 90.650)),
        ),
    ),
}
"""Tables 4 to 7."""

ADDED, BY_ENTITY = "added", "entities"
TABLE_NAMES = ("2", *TABLES, ADDED, BY_ENTITY)
"""Values of ``--tables``: the paper's tables, the added rows, and the experiment with the split by entity."""

EXTRA_ROWS = (
    Row(System("dictionary", augmented=False)),
    Row(System("hmm", augmented=False)),
    Row(System("feature-crf", augmented=False)),
    Row(System("cnn", "crf", augmented=False)),
    Row(System(BEST, "crf", augmented=False)),
)
BY_ENTITY_ROWS = (Row(System("bilstm", "crf")), Row(System("roberta")))
EXTRA_TABLES = {
    ADDED: Table(ADDED, "另加的系统", "Added systems", EXTRA_ROWS),
    BY_ENTITY: Table(BY_ENTITY, "按实体划分", "Split by entity instead of sentence", BY_ENTITY_ROWS),
}
"""Tables that the paper does not have."""

SYSTEMS: dict[str, System] = {
    row.system.name: row.system for table in (*TABLES.values(), *EXTRA_TABLES.values()) for row in table.rows
}
"""Every system, each once, however many tables have it."""

TABLE_2: dict[str, tuple[int, int, int]] = {
    "Disease": (25197, 8399, 8399),
    "Reason": (2849, 950, 950),
    "Symptom": (3166, 1055, 1056),
    "Test": (28819, 9606, 9606),
    "Test_Value": (6402, 2134, 2134),
    "Drug": (9946, 3315, 3315),
    "Frequency": (309, 103, 103),
    "Amount": (871, 290, 290),
    "Method": (606, 202, 203),
    "Treatment": (896, 298, 299),
    "Operation": (493, 164, 164),
    "SideEff": (1052, 351, 350),
    "Duration": (6543, 2181, 2180),
    "Anatomy": (16866, 5622, 5622),
    "Level": (1333, 446, 448),
}
"""Entities of each type in the paper's train, dev and test parts."""

REPORTED_RANGE = (85.443, 91.270)
"""The lowest and the highest F1 of tables 4 to 7."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """A claim that one system scores higher than another by more than `least` and less than `most` points of F1."""

    higher: System
    lower: System
    least: float = 0.0
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim of the paper in Chinese and English, and its contrasts."""

    name: str
    tables: tuple[str, ...]
    zh: str
    en: str
    contrasts: tuple[Contrast, ...]

    @property
    def systems(self) -> dict[str, System]:
        """The systems that it is about, by name."""
        return {system.name: system for contrast in self.contrasts for system in (contrast.higher, contrast.lower)}


def _ordered(*encoders: str) -> tuple[Contrast, ...]:
    return tuple(Contrast(System(first), System(second)) for first, second in pairwise(encoders))


CLAIMS = (
    Claim(
        "augmentation",
        ("4",),
        "数据增强使每个编码器都更好",
        "Augmentation helps every encoder",
        tuple(Contrast(System(name), System(name, augmented=False)) for name in ("bert", "ernie", "ernie-tiny")),
    ),
    Claim(
        "pretraining",
        ("5",),
        "预训练模型比从头训练的最好模型(BiLSTM-CRF)至少高 3 个百分点",
        "Every pretrained encoder is at least 3 points above the best model from scratch (BiLSTM-CRF)",
        tuple(Contrast(System(name), System("bilstm", "crf"), least=3.0) for name in RECIPES),
    ),
    Claim(
        "order",
        ("5",),
        "RoBERTa > BERT-WWM > BERT-WWM-EXT > BERT > ERNIE > ERNIE-tiny",
        "RoBERTa > BERT-WWM > BERT-WWM-EXT > BERT > ERNIE > ERNIE-tiny",
        _ordered("roberta", "wwm", "wwm-ext", "bert", "ernie", "ernie-tiny"),
    ),
    Claim(
        "transfer",
        ("6",),
        "微调略好于特征抽取(相差不到 1 个百分点)",
        "Fine-tuning is better than feature extraction by a little (less than 1 point)",
        tuple(Contrast(System(name), System(name, frozen=True), most=1.0) for name in ("bert", "ernie", "roberta")),
    ),
    Claim(
        "crf",
        ("7",),
        "CRF 好于全连接层",
        "A CRF is better than a fully connected layer",
        (Contrast(System("roberta", "crf"), System("roberta")),),
    ),
    Claim(
        "lstm",
        ("7",),
        "在 CRF 之下再加 LSTM 反而更差",
        "An LSTM below the CRF makes it worse",
        tuple(Contrast(System("roberta", "crf"), System("roberta", head)) for head in ("lstm-crf", "bilstm-crf")),
    ),
)
"""The conclusions of the paper."""


def systems_of(tables: Collection[str]) -> Mapping[str, Sequence[str]]:
    """Return the systems of these tables by name, each with the tables that share it."""
    shared: dict[str, list[str]] = {}
    for table in (*TABLES.values(), *EXTRA_TABLES.values()):
        if table.number in tables:
            for row in table.rows:
                shared.setdefault(row.system.name, []).append(table.number)
    return shared
