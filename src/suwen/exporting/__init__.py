"""Export a trained tagger or relation model to an ONNX graph, in float32 or 8 bits, that runs without torch."""

from suwen.exporting.relations import RelationExport, export_relations
from suwen.exporting.tagger import Export, export_model

__all__ = ["Export", "RelationExport", "export_model", "export_relations"]
