"""What the small internet saw: one JSON object a line, appended whole."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any


class Journal:
    """An append-only log shared by the services; `at` is nanoseconds since 1970."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, service: str, **details: Any) -> None:
        """Append one entry."""
        line = json.dumps({"at": time.time_ns(), "service": service, **details}) + "\n"
        with self._lock:
            os.write(self._file, line.encode())


def read_journal(path: Path) -> list[dict[str, Any]]:
    """Read what was written so far; a last line that is not whole is left out."""
    if not path.exists():
        return []
    text = path.read_text()
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
