"""The table of known hazards and the tests that catch them: `python doc/_ext/hazards.py` writes it.

What the hazards are is in `hazards.toml`. Which tests catch one, their names say: they end with
its id, in lower case (`test_64_bit_indices_h66`), or with several (`_h02_h04`).
"""

import ast
import re
import tomllib
from pathlib import Path

DOC = Path(__file__).resolve().parents[1]
TESTS = DOC.parent / "tests"
PAGE = DOC / "hazards.md"
IDS = re.compile(r"(?<=_)[hn]\d\d(?=_|$)", re.IGNORECASE)
AT_THE_END = re.compile(r"(?:_[hn]\d\d)+$")
HEAD = """\
# Known hazards

What has gone wrong in software of this kind, or could: {count} hazards, gathered from the issues of
scikit-learn, numba, PyTorch, glmnet's and other projects. Each has a test that fails if it returns,
whose name ends with its id, or a reason why it cannot happen here. Where a row says what
scikit-learn does, that is version 1.9. This page is made by `python doc/_ext/hazards.py`.
"""
SECTIONS = {
    "H01": "Objective, certificates, coordinate descent",
    "H25": "Sample weights",
    "H34": "Cross-validation",
    "H41": "Statistics and normalization",
    "H57": "Logistic regression and networks",
    "H64": "Containers and memory",
    "N01": "Compilation, processes, persistence",
}


def read_hazards():
    """Return the hazards by id, in the order of the file."""
    return tomllib.loads((DOC / "hazards.toml").read_text(encoding="utf-8"))


def named_tests(folder=TESTS):
    """Yield (file, name) of every test function below a folder, without importing any."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield path.relative_to(folder).as_posix(), node.name


def ids_of(name):
    """Return the ids that a test's name ends with, and those that stand elsewhere in it."""
    end = AT_THE_END.search(name)
    found = [one.upper() for one in IDS.findall(name)]
    last = IDS.findall(end.group()) if end else []
    return [one.upper() for one in last], found[: len(found) - len(last)]


def tests_by_id(tests):
    """Return the sorted "file: name" of the tests (file, name) that catch each hazard."""
    found = {}
    for file, name in tests:
        for one in ids_of(name)[0]:
            found.setdefault(one, set()).add(f"{file}: {name}")
    return {one: sorted(names) for one, names in found.items()}


def row(one, hazard, tests):
    """Return one row of the table."""
    if "not_applicable" in hazard:
        caught = f"does not apply: {hazard['not_applicable']}"
    else:
        caught = ", ".join(f"`{test}`" for test in tests)
    return f"| {one} | {hazard['hazard']} | {caught} | {hazard.get('difference', '')} |"


def page():
    """Return the text of the page."""
    hazards, tests = read_hazards(), tests_by_id(named_tests())
    lines = [HEAD.format(count=len(hazards))]
    for one, hazard in hazards.items():
        if one in SECTIONS:
            lines += [
                f"\n## {SECTIONS[one]}\n",
                "| id | hazard | caught by | where scikit-learn differs |",
                "|---|---|---|---|",
            ]
        lines.append(row(one, hazard, tests.get(one, [])))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
