"""Regular expressions, RE2's, checked without a word on standard error."""

from __future__ import annotations

import re
from typing import cast

import re2
from sigma.policy import SigmaPolicy
from sigma.policy.regex_engine import RegexEngine, RegexPattern

from workbench.scorer.text import quiet

_FLAGS = {re.IGNORECASE: "i", re.MULTILINE: "m", re.DOTALL: "s"}


def compile_expression(pattern: str) -> re2.Pattern[str]:
    """Compile an expression; raises `re2.error` that says in words what RE2 cannot take.

    >>> try: compile_expression("(?=a)")
    ... except re2.error as error: print(error)
    invalid perl operator: (?=
    """
    try:
        return re2.compile(pattern, quiet())
    except re2.error as error:
        cause = error.args[0] if error.args else ""
        raise re2.error(cause.decode(errors="replace") if isinstance(cause, bytes) else cause) from None


class QuietEngine(RegexEngine):
    """Lets pySigma check expressions with RE2, which would otherwise log each bad one."""

    def compile(self, pattern: str, flags: int = 0) -> RegexPattern:
        """Compile an expression; raises `re2.error` for one that RE2 cannot take."""
        letters = "".join(letter for flag, letter in _FLAGS.items() if flags & flag)
        return cast(RegexPattern, compile_expression(f"(?{letters}){pattern}" if letters else pattern))

    @property
    def error(self) -> type[Exception]:
        """What `compile` raises."""
        return cast(type[Exception], re2.error)


POLICY = SigmaPolicy(regex_engine=QuietEngine())
"""How pySigma is to check expressions."""
