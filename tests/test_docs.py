"""The examples in README, guide and docstrings do what they say."""

import doctest
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import sklearn_regnorm

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    str(page.relative_to(ROOT))
    for page in [ROOT / "README.md", *(ROOT / "doc").rglob("*.md")]
    if ">>> " in page.read_text(encoding="utf-8") and "auto_examples" not in page.parts
)
MODULES = [
    module.name for module in pkgutil.walk_packages(sklearn_regnorm.__path__, "sklearn_regnorm.")
]


@pytest.mark.compiled
@pytest.mark.parametrize("page", PAGES)
def test_pages(page):
    text = (ROOT / page).read_text(encoding="utf-8").replace("\n```", "\n\n```")  # ends the output
    examples = doctest.DocTestParser().get_doctest(text, {}, page, page, 0)
    results = doctest.DocTestRunner(optionflags=FLAGS).run(examples)
    assert results.attempted > 0
    assert results.failed == 0


@pytest.mark.compiled
@pytest.mark.parametrize("name", ["sklearn_regnorm", *MODULES])
def test_docstring_examples(name):
    results = doctest.testmod(importlib.import_module(name), optionflags=FLAGS)
    assert results.failed == 0


@pytest.mark.parametrize("name", [n for n in sklearn_regnorm.__all__ if n != "__version__"])
def test_public_surface_is_annotated(name):
    public = getattr(sklearn_regnorm, name)
    functions = [public]
    if inspect.isclass(public):
        functions = [
            member
            for owner in public.__mro__
            if owner.__module__.startswith("sklearn_regnorm")
            for key, member in vars(owner).items()
            if inspect.isfunction(member) and (key == "__init__" or not key.startswith("_"))
        ]
    for function in functions:
        signature = inspect.signature(function)
        bare = [
            parameter.name
            for parameter in signature.parameters.values()
            if parameter.annotation is parameter.empty and parameter.name != "self"
        ]
        assert not bare, f"{function.__qualname__}: {bare}"
        assert signature.return_annotation is not signature.empty, function.__qualname__
