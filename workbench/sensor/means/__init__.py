"""The means of enforcement: what the kernel denies in advance, and what is ended afterwards."""
