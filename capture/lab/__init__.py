"""The scenario lab: real harnesses run scripted models in a small internet, and are recorded with labels."""
