"""The JSON Schema of a rule, for completion in editors."""

from __future__ import annotations

from typing import Any

import msgspec
from sigma.correlations import SigmaCorrelationType
from sigma.modifiers import modifier_mapping
from sigma.rule import SigmaLevel, SigmaStatus

from workbench.fields import FIELDS, SIGMA
from workbench.rule import unseen
from workbench.rule.extension import Extension
from workbench.rule.logsource import CATEGORIES, PRODUCTS
from workbench.scorer import auditd


def rule_schema() -> dict[str, Any]:
    """Give the schema (JSON Schema 2020-12) of a detection, correlation or filter document."""
    _, components = msgspec.json.schema_components([Extension], ref_template="#/$defs/{name}")
    detections = {"$ref": "#/$defs/Detection"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Detection rule",
        "type": "object",
        "required": ["title"],
        "anyOf": [
            {"required": ["detection", "logsource"]},
            {"required": ["correlation"]},
            {"required": ["filter"]},
        ],
        "properties": {
            "title": {"type": "string", "maxLength": 256},
            "id": {"type": "string", "format": "uuid", "pattern": _UUID},
            "name": {"type": "string"},
            "status": {"enum": [status.name.lower() for status in SigmaStatus]},
            "level": {"enum": [level.name.lower() for level in SigmaLevel]},
            "description": {"type": "string"},
            "author": {"type": "string"},
            "date": {"type": "string"},
            "modified": {"type": "string"},
            "tags": {"type": "array", "items": {"type": "string", "pattern": "^[^.]+[.].+$"}},
            "references": {"type": "array", "items": {"type": "string"}},
            "falsepositives": {"type": "array", "items": {"type": "string"}},
            "logsource": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "category": {"enum": list(CATEGORIES)},
                    "product": {"enum": list(PRODUCTS)},
                    "service": {"enum": ["auditd"]},
                    "definition": {"type": "string"},
                    "description": {"type": "string"},
                },
            },
            "detection": {
                "type": "object",
                "required": ["condition"],
                "properties": {"condition": {"type": ["string", "array"]}},
                "additionalProperties": detections,
            },
            "correlation": {
                "type": "object",
                "required": ["type", "timespan"],
                "additionalProperties": False,
                "properties": {
                    "type": {"enum": [kind.name.lower() for kind in SigmaCorrelationType]},
                    "rules": {"type": ["array", "string"]},
                    "group-by": {"type": ["array", "string"]},
                    "timespan": {"type": "string", "pattern": "^[0-9]+[smhdwMy]$"},
                    "condition": {"type": ["object", "string"]},
                    "aliases": {"type": "object"},
                    "generate": {"type": "boolean"},
                },
            },
            "filter": {
                "type": "object",
                "required": ["rules", "condition"],
                "properties": {"rules": {"type": ["array", "string"]}, "condition": {"type": "string"}},
                "additionalProperties": detections,
            },
            "workbench": {"$ref": "#/$defs/Extension"},
        },
        "$defs": {**components, "Detection": _detection()},
    }


_UUID = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"


def _detection() -> dict[str, Any]:
    """Give the schema of a named detection: fields with modifiers, keywords, or lists of these."""
    fields = sorted({*FIELDS, *SIGMA, *unseen.SIGMA})
    names = "|".join(sorted({*fields, *auditd.FIELDS, *unseen.AUDITD})).replace(".", "[.]")
    modifiers = "|".join(sorted(modifier_mapping))
    item = {
        "type": "object",
        "properties": {field: {} for field in fields},
        "propertyNames": {"pattern": rf"^({names}|a[0-9]+)?([|]({modifiers}))*$"},
    }
    nested = {"type": "array", "items": {"$ref": "#/$defs/Detection"}}
    return {"anyOf": [item, nested, {"type": ["string", "number", "boolean"]}]}
