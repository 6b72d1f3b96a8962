"""Notebooks: run them strictly, and show results in them."""
