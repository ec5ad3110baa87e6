"""The Document as a value."""

import pickle

from suwen.document import Document, Entity


def test_document_goes_to_other_processes() -> None:
    document = Document("a", "糖尿病。", (Entity("Disease", 0, 3),))
    assert pickle.loads(pickle.dumps(document)) == document
