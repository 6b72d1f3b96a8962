"""A rule tried on recordings as it is written: its faults, what it catches, what it costs."""
