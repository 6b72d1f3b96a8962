"""A dataset's description for machines: Croissant, from the schema and the card's front matter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pyarrow as pa

from workbench.dataset.dataset import Dataset
from workbench.dataset.schema import EVENTS, LABELS
from workbench.fields import FIELDS

# The context of the specification, https://docs.mlcommons.org/croissant/docs/croissant-spec.html
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_TYPES = {
    pa.string(): "sc:Text",
    pa.int64(): "sc:Integer",
    pa.float64(): "sc:Float",
    pa.bool_(): "sc:Boolean",
    pa.timestamp("ns", tz="UTC"): "sc:DateTime",
}
_LICENCES = {"apache-2.0": "https://www.apache.org/licenses/LICENSE-2.0"}
_TABLES = (("events", EVENTS), ("labels", LABELS))
_MEANINGS = {
    "label": "benign or malicious",
    "scenario": "the scenario that was played",
    "step": "the scenario's step that caused the event",
    "techniques": "ATT&CK and ATLAS ids",
    "labelled_by": "who or what set the label",
}


def croissant(dataset: Dataset, front: Mapping[str, Any], description: str) -> bytes:
    """Describe a dataset as Croissant 1.0 JSON-LD; `front` is the card's front matter."""
    manifest = dataset.manifest
    licence = str(front.get("license", ""))
    described = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": manifest.name,
        "description": description,
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "license": _LICENCES.get(licence, licence),
        "version": manifest.version,
        **({"datePublished": manifest.published} if manifest.published else {}),
        "distribution": [_files(name) for name, _ in _TABLES],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": name,
                "name": name,
                "field": [_field(name, field) for field in schema],
            }
            for name, schema in _TABLES
        ],
    }
    return msgspec.json.format(msgspec.json.encode(described), indent=1) + b"\n"


def _files(name: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": f"{name}-files",
        "name": f"{name}-files",
        "description": f"the {name} of each recording",
        "encodingFormat": "application/x-parquet",
        "includes": f"recordings/*/{name}.parquet",
    }


def _field(table: str, field: pa.Field) -> dict[str, Any]:
    repeated = pa.types.is_list(field.type)
    meaning = FIELDS[field.name].meaning if field.name in FIELDS else _MEANINGS[field.name]
    return {
        "@type": "cr:Field",
        "@id": f"{table}/{field.name}",
        "name": field.name,
        "description": meaning,
        "dataType": _TYPES[field.type.value_type if repeated else field.type],
        **({"repeated": True} if repeated else {}),
        "source": {"fileSet": {"@id": f"{table}-files"}, "extract": {"column": field.name}},
    }
