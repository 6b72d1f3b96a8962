"""Capture with eBPF, loaded by iovisor's bcc: C files of one concern each, and what reads them."""
