"""How the documentation is built: ``sphinx-build -E -W -b html docs build/docs``. Nothing is fetched."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "llmring"
copyright = "2025-2026, the llmring authors"  # noqa: A001 - Sphinx's name
html_title = "llmring"
html_theme = "furo"
html_theme_options = {"source_repository": "https://github.com/juanre/llmring/", "source_branch": "main"}
html_favicon = "_static/favicon.svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "benchmark_charts",
    "command_pages",
    "site_rules",
]
source_suffix = {".md": "markdown"}
exclude_patterns = ["examples/**"]
nitpicky = False  # types of private modules have no page

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist", "linkify"]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
