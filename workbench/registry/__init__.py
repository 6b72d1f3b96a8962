"""Registries: what agents, destinations and actions are known, as data that anyone may replace."""

from workbench.registry.load import NAMES, load, load_all

__all__ = ["NAMES", "load", "load_all"]
