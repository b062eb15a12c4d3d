"""Formulas as MathML, which browsers draw themselves: no script, nothing to download.

docutils converts; the font (STIX Two Math) is the copy that the package ziamath brings along.
"""

import re
import shutil
from pathlib import Path

import ziamath
from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

FONT = Path(ziamath.__file__).parent / "fonts" / "STIXTwoMath-Regular.ttf"


# An index after an accent would be set below the letter; after an empty group it stands beside it.
ACCENT = re.compile(r"(\\(?:hat|bar|tilde)\s*(?:\{\\?[A-Za-z]+\}|\\[A-Za-z]+|[A-Za-z]))(?=[_^])")


def mathml(tex, **options):
    """Return the MathML of a formula."""
    return tex2mathml(ACCENT.sub(r"\1{}", tex), **options)


def visit_inline(translator, node):
    """Write a formula within a line."""
    translator.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def visit_block(translator, node):
    """Write a displayed formula."""
    translator.body.append(f'<div class="formula">{mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode


def copy_font(app, exception):
    """Put the font beside the style sheet that names it."""
    if exception is None and app.builder.format == "html":
        shutil.copy(FONT, Path(app.outdir) / "_static" / FONT.name)


def setup(app):
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    app.config.html_math_renderer = "mathml"
    app.connect("build-finished", copy_font)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
