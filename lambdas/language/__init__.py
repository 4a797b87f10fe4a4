"""Texts to Comprehend."""
