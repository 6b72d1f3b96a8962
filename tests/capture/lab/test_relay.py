"""A relay stands in the middle: it notes what it is asked, and another web server answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from capture.lab.internet.journal import Journal, read_journal
from capture.lab.internet.web import Site


@contextmanager
def serving(site: Site) -> Iterator[str]:
    threading.Thread(target=site.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{site.server_port}"
    finally:
        site.shutdown()
        site.server_close()


def test_a_relay_passes_on_what_is_none_of_its_pages(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    behind = Site("127.0.0.1", 0, "model", {"/v1/ask": b"answered"}, journal)
    with serving(behind) as model:
        middle = Site("127.0.0.1", 0, "external", {"/own": b"mine"}, journal, relays_to=model)
        with serving(middle) as stranger:
            said = []
            for path in ("/v1/ask", "/own"):
                connection = HTTPConnection(stranger)
                connection.request("POST", path, b"prompt")
                said.append(connection.getresponse().read())
                connection.close()
    assert said == [b"answered", b"mine"]
    seen = [(entry["service"], entry["path"], entry["bytes"]) for entry in read_journal(tmp_path / "journal")]
    assert seen == [("external", "/v1/ask", 6), ("model", "/v1/ask", 6), ("external", "/own", 6)]
