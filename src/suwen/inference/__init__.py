"""From a model's scores to entities, for many documents at once; never imports torch."""

from suwen.inference.predictor import BATCH_TOKENS, Extractor, Predictor, Scorer, with_predictions

__all__ = ["BATCH_TOKENS", "Extractor", "Predictor", "Scorer", "with_predictions"]
