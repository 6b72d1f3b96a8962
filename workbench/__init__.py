"""Agent Detection Workbench: study what coding agents do on a host, and ship rules that sensors run."""
