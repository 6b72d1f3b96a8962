"""A stranger's dataset ends a command in one clear line, never in a traceback or another directory."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.cli import run
from workbench.dataset import parquet
from workbench.dataset.dataset import Dataset
from workbench.dataset.recording import write_recording
from workbench.dataset.session import Session
from workbench.dataset.validate import validate
from workbench.errors import RecordingError


@pytest.mark.parametrize("name", ["..", ".", "", "../quickstart", "/etc", "a/b", "a\\b/..", "a\0b", "a\nb"])
@pytest.mark.parametrize("where", ["recordings", "files", "inner"])
def test_a_manifest_cannot_name_what_lies_elsewhere(small: Dataset, name: str, where: str) -> None:
    file = small.path / "manifest.json"
    manifest = json.loads(file.read_text())
    if where == "inner":
        manifest["recordings"]["run-1"]["files"][name] = "0" * 64
    else:
        manifest[where][name] = {"files": {}} if where == "recordings" else "0" * 64
    file.write_text(json.dumps(manifest))
    with pytest.raises(RecordingError, match="is not the name of a file"):
        Dataset.open(small.path)


def test_a_link_is_not_followed(small: Dataset, tmp_path: Path) -> None:
    file = small.path / "recordings" / "run-1" / "labels.parquet"
    file.rename(tmp_path / "elsewhere.parquet")
    file.symlink_to(tmp_path / "elsewhere.parquet")
    assert f"{file}: missing (mend: copy the dataset again)" in validate(small)


NO_MANIFESTS = [b"", b"[", b"[" * 100_000, b'{"name": 7}', b"\xff", b'{"name": "x", "recordings": []}']


@pytest.mark.parametrize("text", NO_MANIFESTS)
def test_a_manifest_that_is_none_is_named(small: Dataset, text: bytes) -> None:
    (small.path / "manifest.json").write_bytes(text)
    with pytest.raises(RecordingError, match=r"manifest\.json: not a manifest"):
        Dataset.open(small.path)


def test_more_rows_than_a_recording_may_have_are_not_read(tmp_path: Path) -> None:
    recording = write_recording(tmp_path / "r", [], Session(id="s"))
    file = recording.path / "events.parquet"
    pq.write_table(pa.table({"@timestamp": pa.nulls(30_000_000, pa.int64())}), file)
    assert file.stat().st_size < 100_000
    with pytest.raises(RecordingError, match=r"30000000 rows .* more than a recording may"):
        list(recording.events())


def test_a_long_string_on_every_row_is_held_once(tmp_path: Path) -> None:
    rows = 200_000
    times = pa.array(range(rows), pa.timestamp("ns", tz="UTC"))
    word = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array(["x" * 1_000_000]))
    exec_ = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array(["exec"]))
    process = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array(["process"]))
    names = ["@timestamp", "event.category", "event.action", "process.command_line"]
    file = tmp_path / "events.parquet"
    pq.write_table(pa.table([times, process, exec_, word], names=names), file)
    events = parquet.read_events(file)  # as plain strings, 200 GB
    assert len({id(event["process.command_line"]) for event in events}) < 10


def test_a_huge_session_file_is_refused(small: Dataset) -> None:
    file = small.path / "recordings" / "run-1" / "session.json"
    with file.open("ab") as handle:
        handle.truncate(200 << 20)
    assert any("session.json: cannot be read: larger than 64 MB" in fault for fault in validate(small))


@pytest.mark.parametrize("verb", ["info", "validate", "thin", "merge", "split", "degrade", "release"])
def test_every_verb_tells_of_a_cut_file_in_one_line(
    small: Dataset, verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = small.path / "recordings" / "run-1" / "events.parquet"
    file.write_bytes(file.read_bytes()[:-20])
    options = {
        **{name: ["--out", str(tmp_path / "out")] for name in ("thin", "merge", "degrade")},
        "release": ["--version", "2"],
    }
    status = run(["dataset", verb, str(small.path), *options.get(verb, [])])
    told = capsys.readouterr()
    assert status == (1 if verb == "validate" else 2)
    assert "events.parquet: not readable as Parquet" in told.out + told.err
    assert len(told.err.splitlines()) <= 1


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 1 << 20), cut=st.booleans(), byte=st.integers(0, 255))
def test_damage_anywhere_is_an_error_or_events(tmp_path: Path, position: int, cut: bool, byte: int) -> None:
    file = tmp_path / "events.parquet"
    data = bytearray(SOUND)
    at = position % len(data)
    if cut:
        del data[at:]
    else:
        data[at] = byte
    file.write_bytes(data)
    try:
        parquet.read_events(file)
    except RecordingError as error:
        assert "\n" not in str(error)


SOUND = (Path(__file__).parents[2] / "datasets/quickstart/recordings/run-02/events.parquet").read_bytes()
