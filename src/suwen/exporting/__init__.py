"""From a trained tagger or relation model to what runs without torch: an ONNX graph in float32, or in 8 bits."""

from suwen.exporting.relations import RelationExport, export_relations
from suwen.exporting.tagger import Export, export_model

__all__ = ["Export", "RelationExport", "export_model", "export_relations"]
