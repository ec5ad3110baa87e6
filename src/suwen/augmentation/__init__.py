"""Augmentation: more training documents from those there are, by changing words or mentions."""

from suwen.augmentation.documents import augment
from suwen.augmentation.edits import Edit, Recipe, replay
from suwen.augmentation.generation import Augmentation

__all__ = ["Augmentation", "Edit", "Recipe", "augment", "replay"]
