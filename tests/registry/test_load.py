from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from workbench.errors import InputError
from workbench.registry import NAMES, load
from workbench.scorer.enrich.agents import Agents

HERE = Path(__file__).parents[2] / "workbench" / "registry"

KNOWN_AGENTS = {
    *("codex", "claude-code", "gemini-cli", "qwen-code", "opencode", "aider", "cline", "continue", "goose"),
    *("openhands", "mini-swe-agent", "smolagents", "cursor", "copilot-cli", "windsurf", "amazon-q"),
}
CLASSES = {
    *(
        "model_api",
        "package_registry",
        "code_host",
        "paste",
        "file_drop",
        "tunnel",
        "webhook_catcher",
        "mail",
    ),
    *("cloud_metadata", "loopback", "internal", "embargoed", "unapproved"),
}


@pytest.mark.parametrize("name", NAMES)
def test_ours_are_valid_and_dated(name: Any) -> None:
    assert load(name)["updated"] >= "2026-11-21"


def test_the_agents_are_known() -> None:
    assert {agent["name"] for agent in load("agents")["agents"]} >= KNOWN_AGENTS


def test_every_model_endpoint_that_is_a_destination_tells_an_agent_too() -> None:
    agents = Agents(load("agents"))
    (classes,) = (entry for entry in load("destinations")["classes"] if entry["name"] == "model_api")
    assert [domain for domain in classes["domains"] if not agents.serves_models(domain)] == []


@pytest.mark.parametrize("agent", load("agents")["agents"], ids=lambda agent: str(agent["name"]))
def test_every_agent_can_be_recognised_by_more_than_its_name(agent: dict[str, Any]) -> None:
    assert agent.get("executables") or agent.get("arguments") or agent.get("config")


def test_the_classes_are_known_and_give_their_reason() -> None:
    classes = {entry["name"]: entry["reason"] for entry in load("destinations")["classes"]}
    assert set(classes) >= CLASSES
    assert all(classes.values())


@pytest.mark.parametrize("entry", load("intrinsic")["entries"], ids=lambda entry: str(entry["reason"])[:40])
def test_every_risk_has_a_reason_in_words(entry: dict[str, Any]) -> None:
    assert len(entry["reason"].split()) >= 4


def changed(name: str, tmp_path: Path, old: str, new: str) -> Path:
    text = (HERE / f"{name}.yml").read_text()
    assert old in text
    file = tmp_path / f"{name}.yml"
    file.write_text(text.replace(old, new, 1))
    return file


@pytest.mark.parametrize(
    ("name", "old", "new", "cause", "part"),
    [
        ("destinations", "127.0.0.0/8", "127.0.0.0/99", "127.0.0.0/99", "127.0.0.0/99"),
        ("destinations", "name: loopback", "name: internal", "listed twice", "name: internal"),
        ("destinations", "ports: [25", "ports: [99999", "65535", "ports: [99999"),
        ("intrinsic", "process/ptrace", "process/juggle", "process/juggle", "process/juggle"),
        ("intrinsic", "process.real_user.id", "process.real.id", "process.real.id", "process.real.id"),
        ("agents", "name: 0.5", "name: 0.9", "name alone", "name: 0.9"),
        ("agents", "- name: codex\n", "- nome: codex\n", "nome", "- nome: codex"),
        (
            "agents",
            'match: {process.executable: ["**/*mcp-server*", "**/*-mcp", "**/mcp-*"]}',
            "match: {}",
            "length",
            "match: {}",
        ),
    ],
)
def test_a_fault_is_told_with_its_line(
    tmp_path: Path, name: Any, old: str, new: str, cause: str, part: str
) -> None:
    file = changed(name, tmp_path, old, new)
    with pytest.raises(InputError, match=cause) as raised:
        load(name, file)
    lines = file.read_text().splitlines()
    assert part in lines[raised.value.place.line - 1]  # type: ignore[union-attr]


def test_all_faults_are_told(tmp_path: Path) -> None:
    data = yaml.safe_load((HERE / "intrinsic.yml").read_text())
    data["entries"] = [{"risk": 1, "reason": "x", "actions": ["a/b", "c/d"], "match": {"e.f": ["*"]}}]
    file = tmp_path / "i.yml"
    file.write_text(yaml.safe_dump(data))
    with pytest.raises(InputError) as raised:
        load("intrinsic", file)
    assert all(part in str(raised.value) for part in ("a/b", "c/d", "e.f"))


@pytest.mark.parametrize(
    "text", ["", "[", "a: [b", "\x00", "- 1", "updated: never", "? {a: b}\n: c", "&a [*a]"]
)
def test_what_is_no_registry_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.yml"
    file.write_text(text)
    with pytest.raises(InputError) as raised:
        load("agents", file)
    assert "\n" not in str(raised.value)
    assert str(file) in str(raised.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load("agents", tmp_path / "none.yml")
