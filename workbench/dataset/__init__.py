"""Recordings, labels and datasets on disk."""
