"""Witnesses: the least of a recording on which a rule fires, and the least on which it just does not."""
