"""Widgets where interaction helps: a rule editor, a labeller, a session browser."""
