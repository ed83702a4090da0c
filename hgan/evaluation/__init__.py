"""Figures: retrieval metrics and the faithfulness of explanations."""
