"""Fifty secrets, each shown in every place a command can show it: none is in what was written."""

from __future__ import annotations

import json
import runpy
from collections import Counter
from pathlib import Path

import pytest

from capture.recorder import Recorder
from capture.source import open_source
from workbench.dataset.recording import Recording

pytestmark = pytest.mark.live
HERE = Path(__file__).parent
PYTHON = "/usr/bin/python3"  # the system's, which uses the system's OpenSSL
PLANTED: dict[str, tuple[str, str]] = runpy.run_path(str(HERE / "test_redact.py"))["PLANTED"]
certificate = runpy.run_path(str(HERE / "test_live_tls.py"))["certificate"]


@pytest.mark.skipif(not Path(PYTHON).exists(), reason="needs the system's Python")
def test_no_planted_secret_is_written(tmp_path: Path) -> None:
    work, texts = tmp_path / "work", tmp_path / "texts.json"
    work.mkdir()
    shown = [text.format(secret) for text, secret in PLANTED.values()]
    texts.write_text(json.dumps(shown))
    spool = tmp_path / "events.spool"
    recorder = Recorder(open_source("bcc", tls_plaintext=True, bodies=True), spool=spool)
    command = [PYTHON, str(HERE / "secrets_carrier.py"), *map(str, certificate(tmp_path)), str(texts)]
    assert recorder.run([*command, *shown], cwd=work, stdout=2) == 0
    spooled = spool.read_bytes()
    recording = recorder.finish(tmp_path / "r")
    events = list(recording.events())
    assert recording.session.loss.dropped == 0

    written = {"spool": spooled.decode(errors="replace"), **_files(recording)}
    decoded = [(f"{e['event.action']} {name}", str(value)) for e in events for name, value in e.items()]
    leaks = Counter(
        (kind, place)
        for kind, (_, secret) in PLANTED.items()
        for place, text in [*written.items(), *decoded]
        if secret in text
    )
    assert not leaks, "\n".join(f"{count} {kind}: {place}" for (kind, place), count in sorted(leaks.items()))

    arrived = Counter(f"{e['event.action']} {name}" for e in events for name in e if _redacted(e[name]))
    for place in ("exec process.args", "exec process.env_vars", "exec process.working_directory"):
        assert arrived[place] >= len(PLANTED)
    for place in ("create file.path", "rename file.path", "delete file.path"):
        assert arrived[place] >= len(PLANTED)
    for place in ("url.full", "http.request.body.content"):
        assert arrived[f"http_request {place}"] >= len(PLANTED)


def _files(recording: Recording) -> dict[str, str]:
    return {
        file.name: file.read_bytes().decode(errors="replace")
        for file in recording.path.rglob("*")
        if file.is_file()
    }


def _redacted(value: object) -> bool:
    return "[redacted:" in str(value)
