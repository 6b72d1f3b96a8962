"""The agent registry, made ready for look-ups: which agent a process is, and what kind of actor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from workbench.scorer.enrich.globs import GlobTable, glob_matcher

_SCANNED_ARGUMENTS = 4
_NAMED_ARGUMENTS = 3  # /usr/bin/env node agent


class Role(NamedTuple):
    """A kind of actor, told by what it runs; `inside` is whether it counts within an agent's session.

    `tests` are numbers of tests, each on one field: all of them must pass.
    """

    actor: str
    of_children: bool
    inside: bool
    tests: frozenset[int]


class Roles:
    """The kinds of actors: each field's globs of all roles are matched at once."""

    def __init__(self, registry: Sequence[Mapping[str, Any]]) -> None:
        self._roles: list[Role] = []
        globs: dict[str, list[tuple[str, int]]] = {}
        count = 0
        for role in registry:
            tests = set()
            for field, patterns in role["match"].items():
                globs.setdefault(field, []).extend((glob, count) for glob in patterns)
                tests.add(count)
                count += 1
            of_children, inside = role.get("scope") == "children", role.get("inside", True)
            self._roles.append(Role(role["actor"], of_children, inside, frozenset(tests)))
        self._known = [(field, GlobTable(listed).known) for field, listed in globs.items()]

    def role(self, event: Mapping[str, Any], *, inside: bool) -> Role | None:
        """Give the first role of those that count inside or outside a session whose tests all pass.

        A test passes when the field has a value, or an early element, that one of its globs matches.
        """
        passed: set[int] = set()
        for field, known in self._known:
            value = event.get(field, "")
            if isinstance(value, list):
                for text in value[:_SCANNED_ARGUMENTS]:
                    passed |= known[text]
            else:
                passed |= known[value]
        if not passed:
            return None
        for role in self._roles:
            if role.tests <= passed and (role.inside or not inside):
                return role
        return None


class Mark(NamedTuple):
    """What a process's environment says: the agent that set it, and the session and call it named."""

    agent: str
    session: str
    call: str


def _table(agents: Sequence[Mapping[str, Any]], key: str) -> GlobTable:
    return GlobTable((glob, number) for number, agent in enumerate(agents) for glob in agent.get(key, ()))


class Agents:
    """Recognises agents by evidence, never by name alone, and other actors by what they run.

    Each kind of evidence (executable, argv, name, config) has a weight in the registry; pieces combine as
    1 − ∏(1 − weight), and an agent is recognised from `evidence.threshold` on. `name` weighs less than that.
    """

    def __init__(self, registry: Mapping[str, Any]) -> None:
        agents = registry["agents"]
        self.weights: Mapping[str, float] = registry["evidence"]
        self.confidence: Mapping[str, float] = registry["confidence"]
        self._agents = [agent["name"] for agent in agents]
        self._executables = _table(agents, "executables")
        self._arguments = _table(agents, "arguments")
        self._names = {name: agent["name"] for agent in agents for name in agent.get("names", ())}
        self._config = {
            agent["name"]: glob_matcher(agent["config"]) for agent in agents if agent.get("config")
        }
        self._keys: dict[str, tuple[str, str]] = {}
        for agent in agents:
            for kind, keys in agent.get("environment", {}).items():
                self._keys.update(dict.fromkeys(keys, (agent["name"], kind)))
        self._models = {domain for agent in (registry, *agents) for domain in agent.get("models", ())}
        self.role = Roles(registry["roles"]).role

    def recognise(self, event: Mapping[str, Any]) -> tuple[str, float]:
        """Give the agent that an exec starts and how sure that is, 0 to 1; ("", 0.0) for none.

        A result below `evidence.threshold` is a suspicion that `confirm` can turn into recognition.
        """
        executable = event.get("process.executable", "")
        arguments = event.get("process.args", ())[:_SCANNED_ARGUMENTS]
        of_executable = self._executables.known[executable]
        of_arguments = [number for text in arguments for number in self._arguments.known[text]]
        started = (executable, *arguments[:_NAMED_ARGUMENTS])
        named = [self._names[name] for text in started if (name := text.rpartition("/")[2]) in self._names]
        if not (of_executable or of_arguments or named):
            return "", 0.0
        found: dict[str, float] = {}
        self._add(found, "executable", {self._agents[number] for number in of_executable})
        self._add(found, "argv", {self._agents[number] for number in of_arguments})
        self._add(found, "name", set(named))
        agent = max(found, key=lambda name: (found[name], name))
        return agent, found[agent]

    def _add(self, found: dict[str, float], kind: str, names: Iterable[str]) -> None:
        for name in names:
            found[name] = 1 - (1 - found.get(name, 0.0)) * (1 - self.weights[kind])

    def enough(self, evidence: float) -> bool:
        """Whether `evidence` recognises an agent."""
        return evidence >= self.weights["threshold"]

    def confirm(self, agent: str, evidence: float, path: str) -> float:
        """Give the evidence for a suspected agent after it opened `path`."""
        matches = self._config.get(agent)
        if matches is None or not matches(path):
            return evidence
        return 1 - (1 - evidence) * (1 - self.weights["config"])

    def mark(self, variables: Iterable[str]) -> Mark | None:
        """Read the variables that name an agent's session or call, or None when there are none."""
        agent = ""
        values = {"session": "", "call": "", "present": ""}
        for variable in variables:
            key, _, value = variable.partition("=")
            known = self._keys.get(key)
            if known is not None:
                agent = known[0]
                values[known[1]] = value[:256]
        return Mark(agent, values["session"], values["call"]) if agent else None

    def serves_models(self, domain: str) -> bool:
        """Whether `domain` is, or is below, a model endpoint, of whatever agent."""
        labels = domain.lower().strip(".").split(".")[-8:]
        return any(".".join(labels[start:]) in self._models for start in range(len(labels)))
