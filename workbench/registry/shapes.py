"""The shapes of the registries' files."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Risk = Annotated[int, msgspec.Meta(ge=0, le=100)]
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Text = Annotated[str, msgspec.Meta(min_length=1)]
Match = dict[str, Annotated[list[Text], msgspec.Meta(min_length=1)]]


class _Shape(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    pass


class Confidence(_Shape):
    """How sure each method of attribution is."""

    environment: Share
    harness_event: Share
    ancestry: Share
    ancestry_call: Share
    timing: Share
    outside: Share


class Evidence(_Shape):
    """How much each piece of evidence weighs, and what recognises an agent."""

    executable: Share
    argv: Share
    name: Share
    config: Share
    environment: Share
    behaviour: Share
    threshold: Share


class Role(_Shape):
    """A kind of actor, told by what it runs."""

    actor: Literal[
        "developer", "tool_child", "package_script", "test_runner", "editor_extension", "mcp_server"
    ]
    match: Annotated[Match, msgspec.Meta(min_length=1)]
    scope: Literal["self", "children"] = "self"
    inside: bool = True


class Environment(_Shape):
    """The variables that an agent gives to the processes it starts."""

    call: list[Text] = []
    session: list[Text] = []
    present: list[Text] = []


class Agent(_Shape):
    """One agent: how it is recognised, and where it keeps what matters."""

    name: Text
    executables: list[Text] = []
    arguments: list[Text] = []
    names: list[Text] = []
    environment: Environment = msgspec.field(default_factory=Environment)
    config: list[Text] = []
    secrets: list[Text] = []
    memory: list[Text] = []
    settings: list[Text] = []
    hooks: list[Text] = []
    mcp: list[Text] = []
    models: list[Text] = []


class Agents(_Shape):
    """agents.yml."""

    updated: date
    confidence: Confidence
    evidence: Evidence
    roles: list[Role]
    agents: list[Agent]
    models: list[Text] = []


class Class(_Shape):
    """One class of destinations."""

    name: Text
    reason: Text
    domains: list[Text] = []
    cidrs: list[Text] = []
    ports: list[Port] = []


class Destinations(_Shape):
    """destinations.yml."""

    updated: date
    default: Text
    single_label: Text
    classes: list[Class]


class Entry(_Shape):
    """One kind of action with a risk of its own."""

    risk: Risk
    actions: Annotated[list[Text], msgspec.Meta(min_length=1)]
    reason: Text
    match: Match = {}


class Intrinsic(_Shape):
    """intrinsic.yml."""

    updated: date
    entries: list[Entry]
