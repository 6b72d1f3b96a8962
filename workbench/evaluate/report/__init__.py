"""A backtest's report as tables, JSON, JUnit XML and a page of HTML."""

from workbench.evaluate.report.document import json_parts, read_report, to_json
from workbench.evaluate.report.junit import to_junit
from workbench.evaluate.report.page import to_html
from workbench.evaluate.report.table import to_tables

__all__ = ["json_parts", "read_report", "to_html", "to_json", "to_junit", "to_tables"]
