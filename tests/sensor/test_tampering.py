"""Acts against the sensor are told, and what merely looks like one is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from workbench.sensor.tampering import Tampering

LOG, PACK = Path("/var/lib/s/audit.jsonl"), Path("/etc/wb/p")


def act(action: str, path: str, **more: Any) -> dict[str, Any]:
    return {
        "@timestamp": 1,
        "event.category": "file",
        "event.action": action,
        "file.path": path,
        **more,
    }


@pytest.mark.parametrize(
    ("event", "is_one"),
    [
        (act("write", "/var/lib/s/audit.jsonl"), True),
        (act("delete", "/var/lib/s/audit.jsonl.head"), True),
        (act("delete", "/var/lib/s/audit.jsonl.spool/0"), True),
        (act("rename", "/var/lib/t", **{"file.original.path": "/var/lib/s"}), True),
        (act("chmod", "/var/lib/s"), True),
        (act("create", "/var/lib/s/other"), False),
        (act("write", "/etc/wb/policy-of-other.txt"), False),
        (act("rename", "/etc/wb/p", **{"file.original.path": "/tmp/forged"}), True),
        (act("open", "/etc/wb/p", **{"file.flags": ["read"]}), False),
        (act("open", "/etc/wb/p", **{"file.flags": ["read", "write"]}), True),
    ],
)
def test_what_touches_its_files(event: dict[str, Any], is_one: bool) -> None:
    assert (Tampering([LOG, PACK]).finding(event, "s1") is not None) is is_one


def test_a_file_is_known_by_where_its_link_leads_too(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    watch = Tampering([tmp_path / "link" / "audit.jsonl"])
    for place in ("link", "real"):
        assert watch.finding(act("write", f"{tmp_path}/{place}/audit.jsonl"), "s1")
