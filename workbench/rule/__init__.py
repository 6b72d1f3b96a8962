"""Sigma rules: loaded, checked, and lowered to the plan that a pack carries."""

from workbench.rule.lower import lower
from workbench.rule.ruleset import RuleSet, load

__all__ = ["RuleSet", "load", "lower"]
