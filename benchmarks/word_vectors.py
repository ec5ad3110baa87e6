"""Word vectors like those that the bundled model reads: skip-gram over the words that jieba finds in medical text.

    python benchmarks/word_vectors.py CORPUS --split FILE --texts PATH... --terms FILE... -o VECTORS

Text of the split's dev and test documents, and of all other files of their groups, is left out, so that scores on them
are honest. TERMS are lists of terms, one a line, in its first or second column, which are words for jieba beside
its own. Needs gensim; VECTORS is in word2vec's text format, which `suwen train --set encoder.words=VECTORS` reads.
23 million characters take six minutes on two cores; with more than one thread no two runs are alike to the last digit.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import jieba
from gensim.models import Word2Vec

from suwen.files import read_text, replacing
from suwen.pretraining.passages import find_sources, passages, read_exclusion
from suwen.tagging.lexicon import LONGEST_WORD
from suwen.text.sentences import split_sentences
from suwen.text.view import make_view

WIDTH, WINDOW, NEGATIVE, LEAST, EPOCHS, RARE = 64, 5, 8, 4, 5, 1e-4
TERM = re.compile(rf"[\u4e00-\u9fff]{{2,{LONGEST_WORD}}}")


def terms_of(path: Path) -> Iterator[str]:
    """Yield the Chinese terms of a list that are short enough to be looked up."""
    for line in read_text(path).splitlines():
        yield from [column.strip() for column in line.split("\t")[:2] if TERM.fullmatch(column.strip())][:1]


def sentences_of(paths: list[Path], split: Path) -> Iterator[str]:
    """Yield the sentences of articles, and the passages of other files, in lower case."""
    exclusion = read_exclusion(split, ("dev", "test"), paths)
    for source in find_sources(paths, exclusion):
        for passage in passages(source):
            view = make_view(passage)
            for start, end in split_sentences(view) if source.is_folder else [(0, len(view.text))]:
                yield view.text[start:end].lower()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--texts", type=Path, nargs="+", default=[])
    parser.add_argument("--terms", type=Path, nargs="+", default=[])
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    jieba.setLogLevel(60)
    for term in sorted({term for path in arguments.terms for term in terms_of(path)}):
        jieba.add_word(term)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as cut:
        for sentence in sentences_of([arguments.corpus, *arguments.texts], arguments.split):
            cut.write(" ".join(word for word in jieba.cut(sentence) if not word.isspace()) + "\n")
        cut.flush()
        model = Word2Vec(
            corpus_file=cut.name,
            sg=1,
            vector_size=WIDTH,
            window=WINDOW,
            negative=NEGATIVE,
            min_count=LEAST,
            sample=RARE,
            epochs=EPOCHS,
            workers=os.cpu_count() or 1,
            seed=0,
        )
    words = [word for word in model.wv.index_to_key if 2 <= len(word) <= LONGEST_WORD]
    lines = [f"{len(words)} {WIDTH}", *(" ".join([word, *(f"{x:.4f}" for x in model.wv[word])]) for word in words)]
    with replacing(arguments.output) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(words):,} words")


if __name__ == "__main__":
    main()
