"""The prompt: label definitions, and the nearest annotated sentences as examples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from suwen.annotation.endpoint import Message
from suwen.annotation.similarity import BigramVectors
from suwen.annotation.tags import shown, tagged
from suwen.document import Document
from suwen.schema import Schema
from suwen.text.sentences import split_sentences
from suwen.text.view import make_view

__all__ = ["Examples", "Prompt", "numbered"]

DEFINITIONS = {
    "Disease": "疾病、综合征及其类型和并发症的名称",
    "Reason": "引起疾病的原因、诱因和危险因素",
    "Symptom": "症状、体征和其他临床表现",
    "Test": "检查、检验的项目和方法",
    "Test_Value": "检查、检验的结果，包括数值和单位",
    "Drug": "药物的名称和类别",
    "Frequency": "用药的频率，例如每日几次",
    "Amount": "用药的剂量，包括单位",
    "Method": "给药的途径和方法",
    "Treatment": "药物和手术以外的治疗",
    "Operation": "手术的名称",
    "SideEff": "药物引起的不良反应",
    "Duration": "持续的时间",
    "Anatomy": "身体部位、器官、组织和细胞",
    "Level": "疾病或症状的程度、分级",
}
"""Definitions of the built-in labels; a guideline may add to them."""

INSTRUCTIONS = """你为中文医学文献标注命名实体。输入的每一行是“编号|句子”。
请按原编号逐行输出，每行“编号|句子”，并在句子中用标签标出实体，例如 {example}。

要求：
1. 除添加标签外，不得改动句子：不增字、不删字、不改字，标点也照抄。
2. 只使用下列标签。标签必须成对，可以嵌套，不得交叉。
3. 没有实体的句子照抄。不要输出任何解释，不要使用代码块。

标签：
{labels}"""


@dataclass(frozen=True, slots=True)
class _Example:
    """An annotated sentence, with the id and the text of its document."""

    document: str
    text: str
    sentence: str
    tagged: str


class Examples:
    """Annotated sentences, found by their similarity.

    Parameters
    ----------
    documents
        The corpus; of each sentence the mentions inside it are shown, without those that cross others.
    labels
        The labels that are shown.
    """

    def __init__(self, documents: Sequence[Document], labels: Sequence[str]) -> None:
        annotated = (document for document in documents if document.is_annotated)
        self._examples = [example for document in annotated for example in _examples_of(document, set(labels))]
        self._vectors = BigramVectors([example.sentence for example in self._examples])

    def nearest(self, sentences: Sequence[str], count: int, document: Document) -> list[tuple[str, str]]:
        """Return the sentences that are most similar to some sentences, and their tagged form.

        Parameters
        ----------
        document
            The document that is asked about: its own sentences, should the corpus have it, are no examples.
        """
        if not self._examples or not count:
            return []
        similar = self._vectors.similarities_to("".join(sentences))
        chosen: dict[str, str] = {}
        for index in np.argsort(-similar, kind="stable"):
            example = self._examples[index]
            if example.text != document.text and example.document != document.id:
                chosen.setdefault(example.sentence, example.tagged)
            if len(chosen) == count:
                break
        return list(chosen.items())


def _examples_of(document: Document, labels: set[str]) -> list[_Example]:
    view = make_view(document.text)
    spans = [
        (entity.label, *span)
        for entity in document.entities
        if entity.label in labels and (span := view.to_view(entity.start, entity.end)) is not None
    ]
    examples = []
    for start, end in split_sentences(view):
        own = [(label, first, last) for label, first, last in spans if start <= first and last <= end]
        inside = [(label, first - start, last - start) for label, first, last in own]
        sentence = view.text[start:end]
        if sentence.strip():
            examples.append(_Example(document.id, document.text, shown(sentence), shown(tagged(sentence, inside))))
    return examples


@dataclass(frozen=True)
class Prompt:
    """Makes the messages of a request.

    Parameters
    ----------
    schema
        The labels, with their names.
    guideline
        The guideline for annotators; can be empty.
    examples
        Annotated sentences to show; None for none.
    shown
        How many of them a request shows.
    """

    schema: Schema
    guideline: str = ""
    examples: Examples | None = None
    shown: int = 8

    @property
    def instructions(self) -> str:
        """Return the part that all requests have in common."""
        first = self.schema.labels[0]
        labels = "\n".join(
            f"- <{kind.name}>：{'，'.join(dict.fromkeys((kind.zh, kind.en)))}{_definition(kind.name)}"
            for kind in self.schema.entities
        )
        text = INSTRUCTIONS.format(example=f"1|……<{first}>实体</{first}>……", labels=labels)
        return f"{text}\n\n标注规范：\n{self.guideline.strip()}" if self.guideline.strip() else text

    def messages(self, sentences: Sequence[str], document: Document) -> list[Message]:
        """Return the messages that ask for the tags of some sentences of a document."""
        found = self.examples.nearest(sentences, self.shown, document) if self.examples else []
        messages = [{"role": "system", "content": self.instructions}]
        if found:
            messages.append({"role": "user", "content": numbered(sentence for sentence, _ in found)})
            messages.append({"role": "assistant", "content": numbered(tags for _, tags in found)})
        return [*messages, {"role": "user", "content": numbered(map(shown, sentences))}]


def _definition(label: str) -> str:
    return f"。{DEFINITIONS[label]}" if label in DEFINITIONS else ""


def numbered(lines: Iterable[str]) -> str:
    """Return lines with their numbers, from 1."""
    return "\n".join(f"{number}|{line}" for number, line in enumerate(lines, 1))
