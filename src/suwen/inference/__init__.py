"""Find entities in many documents with the scores of a model; never imports torch."""

from suwen.inference.predictor import BATCH_TOKENS, Extractor, Predictor, Scorer, with_predictions

__all__ = ["BATCH_TOKENS", "Extractor", "Predictor", "Scorer", "with_predictions"]
