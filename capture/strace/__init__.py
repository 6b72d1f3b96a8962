"""Capture with strace: slow and visible to the traced command, but it needs neither eBPF nor root."""
