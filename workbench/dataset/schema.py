"""The Arrow schemas of what is stored: events, from the table of fields, and labels."""

from __future__ import annotations

import pyarrow as pa

from workbench.fields import ENRICHED, FIELDS, Kind

_TYPES: dict[Kind, pa.DataType] = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "strings": pa.list_(pa.string()),
    "timestamp": pa.timestamp("ns", tz="UTC"),
}

EVENTS = pa.schema(
    [pa.field(name, _TYPES[field.kind]) for name, field in FIELDS.items() if name not in ENRICHED]
    # Who did it is recorded with the event, so that it can be compared with what the scorer would say.
    + [
        pa.field("attribution.actor", pa.string()),
        pa.field("attribution.method", pa.string()),
        pa.field("attribution.confidence", pa.float64()),
    ]
)
"""One row an event; what the scorer adds is not stored, but for the recorder's own attribution."""

LABELS = pa.schema(
    [
        pa.field("event.id", pa.string(), nullable=False),
        pa.field("label", pa.string(), nullable=False),
        pa.field("scenario", pa.string()),
        pa.field("step", pa.string()),
        pa.field("techniques", pa.list_(pa.string())),
        pa.field("labelled_by", pa.string(), nullable=False),
    ]
)
"""One row a labelled event; `label` is benign or malicious, `techniques` are ATT&CK and ATLAS ids."""
