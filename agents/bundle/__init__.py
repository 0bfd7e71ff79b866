"""Exported models on disk: directories named by their content, checked before anything in them is used."""

from agents.bundle.errors import BundleError
from agents.bundle.policy import OnnxPolicy
from agents.bundle.reading import Bundle, read, verify

__all__ = ["Bundle", "BundleError", "OnnxPolicy", "read", "verify"]
