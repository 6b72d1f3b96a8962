"""SQL over recordings, by DuckDB."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd

from workbench.dataset.dataset import Dataset
from workbench.errors import InputError


def query(sql: str, dataset: Dataset | Path | str) -> pd.DataFrame:
    """Run SQL over the views `events`, `labels` and `sessions` of a dataset; `recording` tells them apart.

    Raises InputError with DuckDB's reason.

    >>> counts = "SELECT count(*) AS n FROM events WHERE \\"event.category\\" = 'agent'"
    >>> int(query(counts, "datasets/quickstart").n[0])
    310
    """
    opened = dataset if isinstance(dataset, Dataset) else Dataset.open(dataset)
    directories = opened.directories()
    connection = duckdb.connect()
    try:
        for view, reader in (("events", "parquet"), ("labels", "parquet"), ("sessions", "json")):
            name = "session.json" if view == "sessions" else f"{view}.parquet"
            files = [str(file) for one in directories if (file := one / name).is_file()]
            if files:
                _view(connection, view, reader, files)
        return connection.execute(sql).df()
    except duckdb.Error as error:
        raise InputError(
            f"the query failed: {error}", mend='names with dots want quotes: "process.name"'
        ) from None
    finally:
        connection.close()


def _view(connection: duckdb.DuckDBPyConnection, view: str, reader: str, files: list[str]) -> None:
    listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    options = "filename = true, union_by_name = true"
    connection.execute(
        f"CREATE VIEW {view} AS SELECT split_part(filename, '/', -2) AS recording, * EXCLUDE (filename) "  # noqa: S608 - quoted
        f"FROM read_{reader}([{listed}], {options})"
    )
