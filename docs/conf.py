"""Configuration of the documentation."""

from __future__ import annotations

import os
import warnings
from importlib.metadata import metadata
from typing import TYPE_CHECKING

from sphinx.addnodes import toctree

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

project = "sc_duality"
author = "The sc_duality developers"
copyright = f"2026, {author}"  # noqa: A001
installed = metadata("sc-duality")
version = release = installed["Version"]

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_autodoc_typehints",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinxcontrib.bibtex",
]
# It calls a deprecated function of Sphinx, which is not ours to fix.
warnings.filterwarnings("ignore", module="sphinx_autodoc_typehints")
# Dataclasses inherit annotations whose names belong to the module of the parent class.
suppress_warnings = ["sphinx_autodoc_typehints.forward_reference"]
templates_path = ["_templates"]
exclude_patterns = ["_build", "jupyter_execute"]
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb", ".ipynb": "myst-nb"}

# Every reference must resolve. Those to other projects resolve on Read the Docs, which may download their inventories;
# elsewhere the documentation builds without a network.
nitpicky = True
projects = {
    "anndata": "https://anndata.readthedocs.io/en/stable/",
    "matplotlib": "https://matplotlib.org/stable/",
    "mudata": "https://mudata.readthedocs.io/stable/",
    "numpy": "https://numpy.org/doc/stable/",
    "pandas": "https://pandas.pydata.org/pandas-docs/stable/",
    "python": "https://docs.python.org/3/",
    "scanpy": "https://scanpy.readthedocs.io/en/stable/",
    "scipy": "https://docs.scipy.org/doc/scipy/",
    "torch": "https://docs.pytorch.org/docs/stable/",
    "transformers": "https://huggingface.co/docs/transformers/main/en/",
}
if os.environ.get("READTHEDOCS") == "True":
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {name: (address, None) for name, address in projects.items()}
_modules = "|".join(
    [*(projects.keys() - {"python"}), "collections", "enum", "jinja2", "os", "pathlib", "pydantic", "typing"]
)
nitpick_ignore_regex = [("py:.*", rf"({_modules})\..*"), ("py:data", "Ellipsis")]

autosummary_generate = True
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # sphinx_autodoc_typehints adds them
always_use_bars_union = True
typehints_defaults = "comma"
typehints_document_rtype = False
napoleon_google_docstring = False
napoleon_use_rtype = False

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 600
# Tutorials train models for minutes: their outputs are stored in them.
nb_execution_excludepatterns = ["tutorials/*"]
nb_output_stderr = "remove"
bibtex_bibfiles = ["references.bib"]
bibtex_reference_style = "author_year"

html_theme = "sphinx_book_theme"
html_title = project
html_show_sourcelink = False
html_theme_options = {"navbar_persistent": [], "show_toc_level": 2}
# The address under [project.urls] in pyproject.toml, once there is one.
urls = dict(entry.split(", ", 1) for entry in installed.get_all("Project-URL", []))
if "Repository" in urls:
    html_theme_options |= {"repository_url": urls["Repository"], "use_repository_button": True}

# Pages are executed in other processes, with these settings.
os.environ["SC_DUALITY_PROGRESS"] = "0"
os.environ["SC_DUALITY_CACHE"] = "0"
os.environ["HF_HUB_OFFLINE"] = "1"


def spread_executed_pages(_app: Sphinx, _env: BuildEnvironment, docnames: list[str]) -> None:
    """Change the order, so that every batch of pages that a process reads has some that are executed."""
    n_parts = 20
    docnames[:] = [name for part in range(n_parts) for name in docnames[part::n_parts]]


def shorten_sidebar(_app: Sphinx, env: BuildEnvironment) -> None:
    """Leave the functions to the page that lists them by subpackage: their names made up nine tenths of the sidebar."""
    for entries in list(env.tocs["api/index"].findall(toctree)):
        items = entries.parent
        items.remove(entries)
        if not items.children:
            items.parent.remove(items)


def setup(app: Sphinx) -> None:
    """Connect the functions above with the events of a build."""
    app.connect("env-before-read-docs", spread_executed_pages)
    app.connect("env-updated", shorten_sidebar)
