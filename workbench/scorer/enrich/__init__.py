"""Enrichment: one class a file, each adding fields to the scorer's own copy of an event.

Every stage has `apply(event)`, `snapshot()` and `restore(data)`; its state is bounded, and `evicted` counts
what it had to forget. A value that the event already carries is never overwritten.
"""
