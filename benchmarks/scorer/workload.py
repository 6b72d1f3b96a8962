"""A seeded workload: events of many agent sessions, and rules of the usual mix over them.

Names, paths and destinations come from small pools, as on a real host; command lines and half of the paths
end in something never seen before, so that a cache cannot simply learn them all.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from uuid import UUID

from workbench.event import Value

_SECOND = 1_000_000_000
_START = 1_767_225_600 * _SECOND
_TOOLS = (
    *("bash", "sh", "git", "python3", "node", "npm", "pip", "curl", "wget", "ssh"),
    *("cat", "grep", "sed", "awk", "find", "tar", "gzip", "base64", "make", "gcc"),
)
_DIRECTORIES = ("/usr/bin", "/bin", "/usr/local/bin", "/home/dev/.local/bin", "/opt/agent/bin")
_WORDS = (
    *("install", "build", "test", "run", "fetch", "push", "clone", "diff"),
    *("status", "list", "deploy", "export", "import", "check", "config"),
)
_PLACES = (
    *("/home/dev/project/src", "/home/dev/project/tests", "/home/dev/.cache", "/home/dev/.ssh"),
    *("/var/tmp", "/etc", "/var/log"),  # noqa: S108 - names in events, no files
)
_ENDS = ("py", "js", "json", "toml", "txt", "md", "lock", "key", "pem", "yaml")
_HOSTS = [f"{word}.{zone}" for word in _WORDS for zone in ("example.com", "example.net", "internal")]
_KINDS = ("process/exec",) * 5 + ("file/open",) * 3 + ("file/write", "network/connect")


def events(count: int, sessions: int, seed: int = 1) -> Iterator[dict[str, Value]]:
    """Give `count` events of `sessions` sessions, half a millisecond apart."""
    rng = random.Random(seed)  # noqa: S311 - a workload, not a secret
    for number in range(count):
        session = rng.randrange(sessions)
        category, _, action = rng.choice(_KINDS).partition("/")
        event: dict[str, Value] = {
            "@timestamp": _START + number * _SECOND // 2_000,
            "event.id": f"e{number}",
            "event.sequence": number,
            "event.category": category,
            "event.action": action,
            "gen_ai.conversation.id": f"session-{session}",
            "process.entity_id": f"{session}-{rng.randrange(50)}",
            "process.pid": 1_000 + rng.randrange(50),
            "process.executable": f"{rng.choice(_DIRECTORIES)}/{rng.choice(_TOOLS)}",
            "process.parent.executable": f"{rng.choice(_DIRECTORIES)}/{rng.choice(_TOOLS[:6])}",
            "user.name": rng.choice(("dev", "root", "ci")),
        }
        if category == "process":
            words = " ".join(rng.choices(_WORDS, k=3))
            tail = f"--id={rng.getrandbits(48):x}" if rng.random() < 0.5 else f"-{rng.choice('abcdef')}"
            event["process.command_line"] = f"{rng.choice(_TOOLS)} {words} {rng.choice(_PLACES)} {tail}"
            event["process.working_directory"] = rng.choice(_PLACES)
        elif category == "file":
            name = f"{rng.getrandbits(40):x}" if rng.random() < 0.5 else rng.choice(_WORDS)
            event["file.path"] = f"{rng.choice(_PLACES)}/{name}.{rng.choice(_ENDS)}"
        else:
            event["destination.domain"] = rng.choice(_HOSTS)
            event["destination.ip"] = f"10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}"
            event["destination.port"] = rng.choice((22, 80, 443, 8_080, 5_432))
        yield event


def rules(count: int, seed: int = 2) -> str:
    """Give `count` rules as Sigma YAML: 70 % single, 20 % three-step sequences, 10 % counts."""
    rng = random.Random(seed)  # noqa: S311 - as above
    single, sequences = count * 7 // 10, count * 2 // 10
    documents = [_detection(rng, f"single {number}") for number in range(single)]
    for number in range(sequences):
        steps = [f"seq{number}_{step}" for step in range(3)]
        documents += [_detection(rng, f"step {name}", name=name) for name in steps]
        documents.append(_correlation(rng, f"sequence {number}", "temporal_ordered", steps))
    for number in range(count - single - sequences):
        name = f"counted{number}"
        documents.append(_detection(rng, f"counted {number}", name=name))
        documents.append(_correlation(rng, f"count {number}", "event_count", [name]))
    return "---\n".join(documents)


def _head(rng: random.Random, title: str, name: str) -> str:
    identity = UUID(int=rng.getrandbits(128), version=4)
    named = f"name: {name}\n" if name else ""
    return f"title: Benchmark {title}\nid: {identity}\n{named}level: medium\ntags: [attack.t1552.001]\n"


def _detection(rng: random.Random, title: str, name: str = "") -> str:
    category, parts = rng.choice((_process, _process, _file, _network))(rng)
    items = "\n".join(f"    {field}: {value}" for field, value in parts)
    excluded = f"  filter:\n    User: {rng.choice(('root', 'ci'))}\n" if rng.random() < 0.3 else ""
    condition = "selection and not filter" if excluded else "selection"
    return (
        f"{_head(rng, title, name)}logsource:\n  category: {category}\n"
        f"detection:\n  selection:\n{items}\n{excluded}  condition: {condition}\n"
    )


def _process(rng: random.Random) -> tuple[str, list[tuple[str, str]]]:
    choices = [
        ("Image|endswith", f"'/{rng.choice(_TOOLS)}'"),
        ("Image", f"[{', '.join(f'{rng.choice(_DIRECTORIES)}/{rng.choice(_TOOLS)}' for _ in range(3))}]"),
        ("CommandLine|contains", f"' {rng.choice(_WORDS)} {rng.choice(_WORDS)} {rng.choice(_WORDS)[:3]}'"),
        ("CommandLine", f"'*{rng.choice(_TOOLS)}*{rng.choice(_WORDS)}*{rng.choice(_PLACES)}*'"),
        ("CommandLine|re", f"'{rng.choice(_WORDS)}\\s+{rng.choice(_WORDS)[:4]}\\w*\\s+/(var|etc)'"),
        ("ParentImage|endswith", f"'/{rng.choice(_TOOLS[:6])}'"),
    ]
    return "process_creation", rng.sample(choices, k=2)


def _file(rng: random.Random) -> tuple[str, list[tuple[str, str]]]:
    name = f"{rng.choice(_WORDS)}.{rng.choice(_ENDS)}"
    choices = [
        ("TargetFilename|endswith", f"'/{name}'"),
        ("TargetFilename|startswith", f"'{rng.choice(_PLACES)}/{rng.choice(_WORDS)[:2]}'"),
        ("TargetFilename", f"'*/.ssh/*{rng.choice(_ENDS)}'"),
    ]
    return "file_access", [rng.choice(choices), ("Image|endswith", f"'/{rng.choice(_TOOLS)}'")]


def _network(rng: random.Random) -> tuple[str, list[tuple[str, str]]]:
    choices = [
        ("DestinationHostname", f"'{rng.choice(_HOSTS)}'"),
        ("DestinationHostname|endswith", f"'{rng.choice(_HOSTS)[2:]}'"),
        ("DestinationIp|cidr", f"'10.{rng.randrange(256)}.0.0/16'"),
    ]
    return "network_connection", [
        rng.choice(choices),
        ("DestinationPort", f"[{rng.choice((22, 443))}, 8080]"),
    ]


def _correlation(rng: random.Random, title: str, kind: str, steps: list[str]) -> str:
    condition = f"  condition: {{gte: {rng.choice((5, 10, 20))}}}\n" if kind == "event_count" else ""
    return (
        f"{_head(rng, title, '')}correlation:\n  type: {kind}\n  rules: [{', '.join(steps)}]\n"
        f"  group-by: [gen_ai.conversation.id]\n  timespan: {rng.choice(('30s', '5m'))}\n{condition}"
    )
