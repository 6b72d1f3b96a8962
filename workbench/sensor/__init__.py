"""The host sensor: source → scorer → respond → audit, live and in one process."""
