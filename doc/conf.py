"""Configuration of the documentation: `make doc` builds it, without a network."""

import inspect
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

import sklearn_regnorm  # noqa: E402
import sklearn_regnorm.inspection  # noqa: E402
import sklearn_regnorm.neural_network  # noqa: E402

project = "sklearn_regnorm"
author = "The sklearn_regnorm developers"
project_copyright = author
version = release = sklearn_regnorm.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
    "native_math",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_templates", "images/README*"]
nitpicky = True
# Other projects' objects, which are named but not linked: that would take a network.
nitpick_ignore_regex = [("py:.*", r"(sklearn|numpy|scipy|torch|matplotlib|pandas)\..*")]

# ------------------------------------------------------------------------------ pages
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
myst_dmath_allow_space = False


def page_from_root(source, target):
    """Write a page of the top folder into this one, with its links turned round."""
    text = (HERE.parent / source).read_text(encoding="utf-8")
    text = text.replace("](doc/", "](").replace("](CONTRIBUTING.md)", "](contributing.md)")
    page = HERE / target
    if not page.exists() or page.read_text(encoding="utf-8") != text:
        page.write_text(text, encoding="utf-8")


page_from_root("CHANGELOG.md", "changelog.md")
page_from_root("CONTRIBUTING.md", "contributing.md")
page_from_root("SECURITY.md", "security.md")

# ------------------------------------------------------------------------------ reference
autosummary_generate = True
autodoc_typehints = "none"  # the docstrings have them, with shapes
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False


def own_methods(cls):
    """Return the public methods that the package itself defines, in the order of reading."""
    names = {}
    for owner in reversed(cls.__mro__):
        if owner.__module__.startswith("sklearn_regnorm"):
            names |= {
                name: None
                for name, member in vars(owner).items()
                if not name.startswith("_")
                and (inspect.isroutine(member) or hasattr(member, "check"))  # available_if has it
                and not name.endswith("_request")  # scikit-learn makes these
            }
    first = [name for name in ("fit", "partial_fit", "predict", "transform") if name in names]
    return first + sorted(set(names) - set(first))


def own_properties(cls):
    """Return the public properties that the package itself defines."""
    return sorted(
        name
        for owner in cls.__mro__
        if owner.__module__.startswith("sklearn_regnorm")
        for name, member in vars(owner).items()
        if isinstance(member, property) and not name.startswith("_")
    )


PUBLIC = [
    getattr(module, name)
    for module in (sklearn_regnorm, sklearn_regnorm.inspection, sklearn_regnorm.neural_network)
    for name in module.__all__
]
autosummary_context = {
    of.__name__: {cls.__name__: of(cls) for cls in PUBLIC if inspect.isclass(cls)}
    for of in (own_methods, own_properties)
}

# ------------------------------------------------------------------------------ gallery
sphinx_gallery_conf = {
    "examples_dirs": str(HERE.parent / "examples"),
    "gallery_dirs": "auto_examples",
    "within_subsection_order": "gallery_order.InTheOrderOfTheGuide",
    "reset_argv": "gallery_order.arguments",
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("sklearn_regnorm",),
    "reference_url": {"sklearn_regnorm": None},
    "capture_repr": (),  # what is to be seen is printed
    "download_all_examples": False,
    "show_signature": False,
    "min_reported_time": 1e9,
    "write_computation_times": False,  # that page would fetch scripts
    "parallel": 2,
}

# ------------------------------------------------------------------------------ looks
html_theme = "pydata_sphinx_theme"
html_title = "sklearn_regnorm"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "tango",
    "pygments_dark_style": "monokai",
}
html_sidebars = {"index": [], "api": [], "glossary": [], "changelog": []}
