"""Matches that measure how strong a model is."""
