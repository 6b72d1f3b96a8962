"""Sources of events (eBPF, logs, harness transcripts) and the recorder that stores them."""
