"""Evidence: measured, signed into the pack, shown, and measured again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.evaluate.conftest import Record, network, opened
from workbench.cli import run
from workbench.errors import PackError
from workbench.pack.keys import generate_key, read_private_key
from workbench.pack.statement import APPROVAL, approvers, content_digest, state, statements, with_statements

OUTSIDE = "203.0.113.9"


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, Path]:
    return {name: generate_key(tmp_path / name).with_suffix("") for name in ("builder", "lead")}


def test_a_statement_binds_this_content_and_its_signer(small: bytes, keys: dict[str, Path]) -> None:
    approval = state(small, APPROVAL, {"by": "Lead"}, read_private_key(keys["lead"]))
    carried = with_statements(small, [approval])
    assert content_digest(carried) == content_digest(small)
    public = Path(f"{keys['lead']}.pub")
    (checked,) = statements(carried, [public])
    assert checked.about and checked.signer
    assert list(approvers([checked]).values()) == ["Lead"]
    (unknown,) = statements(carried, [Path(f"{keys['builder']}.pub")])
    assert unknown.signer == "" and not approvers([unknown])
    approval.payload = approval.payload[:-8] + "AAAAAAA="
    with pytest.raises(PackError):
        statements(with_statements(small, [approval]), [public])


def test_the_whole_way(
    record: Record,
    rules: Path,
    tmp_path: Path,
    keys: dict[str, Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    record("leak1", [("send", network("connect", OUTSIDE))])
    record("work1", [("", opened("/h/a.txt"))])
    recordings, pack, out = tmp_path / "recordings", tmp_path / "p.pack", tmp_path / "q.pack"
    policy, approval = tmp_path / "policy.yml", tmp_path / "approval.json"
    policy.write_text("recall: 1.0\napprovals: 1\n")
    trust = [word for key in keys.values() for word in ("--trust", f"{key}.pub")]
    words = [
        "pack",
        "attest",
        pack,
        recordings,
        "--policy",
        policy,
        "--key",
        keys["builder"],
        "--out",
        out,
        *trust,
    ]
    attest = [str(word) for word in words]
    assert run(["pack", "build", str(rules), "--key", str(keys["builder"]), "--out", str(pack)]) == 0
    assert run(attest) == 1
    assert "approved by nobody: the policy wants 1" in capsys.readouterr().out
    assert (
        run(
            [
                "pack",
                "approve",
                str(pack),
                "--key",
                str(keys["lead"]),
                "--by",
                "Lead",
                "--out",
                str(approval),
                *trust,
            ]
        )
        == 0
    )
    assert run([*attest, "--approval", str(approval)]) == 0
    capsys.readouterr()
    verify = [
        "pack",
        "verify",
        str(out),
        "--evidence",
        "--dataset",
        str(recordings),
        "--rules",
        str(rules),
        *trust,
    ]
    assert run(verify) == 0
    told = capsys.readouterr().out
    assert "approved by Lead" in told and "PASSED" in told
    assert told.count("holds: ") == 2 and "DIFFERS" not in told
    record("leak2", [("send", opened("/nothing"))])
    assert run(verify) == 1
    assert "DIFFERS" in capsys.readouterr().out
