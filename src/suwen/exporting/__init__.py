"""From a trained tagger to what runs without torch: an ONNX graph in float32, or in 8 bits."""

from suwen.exporting.tagger import Export, export_model

__all__ = ["Export", "export_model"]
