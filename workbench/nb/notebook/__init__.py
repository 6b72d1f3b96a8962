"""Notebooks as regressions: strict parameters, an executed copy, a page that stands by itself."""
