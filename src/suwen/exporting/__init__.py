"""Export a trained tagger, in float32 or 8 bits, or a relation model to an ONNX graph."""
