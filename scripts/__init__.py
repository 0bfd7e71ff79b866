"""Thin command lines over the packages, run from the repository as `python -m scripts.NAME`."""
