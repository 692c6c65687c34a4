"""Builds the embedded model: ``python -m recipes.embedded.build``."""
