"""A model that follows a script: the harness before it is real, so every step is known by construction."""
