"""How Sphinx builds these pages into a site: `make docs`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "Agent Detection Workbench"
extensions = ["myst_parser", "generated"]
html_theme = "furo"
html_title = project
exclude_patterns = ["_build"]
myst_heading_anchors = 3
highlight_language = "text"
