"""The examples in README and docstrings do what they say."""

import doctest
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import sklearn_regnorm

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
README = Path(__file__).resolve().parents[1] / "README.md"
MODULES = [
    module.name for module in pkgutil.walk_packages(sklearn_regnorm.__path__, "sklearn_regnorm.")
]


def test_readme_quick_start():
    results = doctest.testfile(str(README), False, optionflags=FLAGS, encoding="utf-8")
    assert results.attempted > 0
    assert results.failed == 0


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
