"""The harness's own word: transcripts, hooks and spans, read as agent events."""
