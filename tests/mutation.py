"""Mutation testing: how many small faults, put into the source at random, do the tests notice?

``python tests/mutation.py run``, after `make coverage`, tests the drawn mutants that are not yet in
build/mutants.jsonl; ``forget`` takes the survivors out of it, to be tested again; ``report`` writes
doc/test_strength.md, with what tests/data/survivors.toml says of survivors. cosmic-ray makes the
mutants. Its own runner would start Python and import scikit-learn for each of them, and mutmut
leaves out functions with a decorator, which all kernels have. Here each mutant is a fork that
imports the package with one module's source exchanged; nothing is written to the source tree.
"""

import ast
import datetime
import importlib.abc
import importlib.util
import json
import os
import platform
import random
import re
import signal
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from contextlib import redirect_stderr, redirect_stdout
from itertools import chain, zip_longest
from pathlib import Path
from xml.etree import ElementTree

os.environ |= {"NUMBA_DISABLE_JIT": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
os.environ["MPLBACKEND"] = "Agg"

import matplotlib.pyplot  # noqa: E402, F401  what forks need not import again
import numba  # noqa: E402, F401
import pandas  # noqa: E402, F401
import pytest  # noqa: E402
import scipy.stats  # noqa: E402
import sklearn.model_selection  # noqa: E402, F401
from cosmic_ray.ast import ast_nodes, get_ast  # noqa: E402
from cosmic_ray.mutating import mutate_code  # noqa: E402
from cosmic_ray.plugins import get_operator, operator_names  # noqa: E402
from coverage import Coverage, CoverageData  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
RESULTS = BUILD / "mutants.jsonl"
MODULES = ["solvers/*.py", "_statistics/*.py", "_validation.py", "_sparse_input.py", "_memory.py"]
# A neighbouring or the opposite comparison, the opposite operation, a number plus or minus one, a
# condition negated, `and` for `or`, True for False, a sign or `not` dropped, a loop not entered,
# `break` for `continue`. Other operators of cosmic-ray mostly raise a TypeError, which is no test.
OPERATORS = re.compile(
    "core/(NumberReplacer|AddNot|ZeroIteration.*|Exception.*|Replace(True|False|And|Or|Break|Con).*"
    "|ReplaceUnaryOperator_Delete_.*"
    "|ReplaceBinaryOperator_(Add_Sub|Sub_Add|Mul_Div|Div_Mul|Pow_Mul|FloorDiv_Mul|Mod_FloorDiv"
    "|BitAnd_BitOr|BitOr_BitAnd)"
    "|ReplaceComparisonOperator_(Lt_LtE|LtE_Lt|Gt_GtE|GtE_Gt|Lt_GtE|LtE_Gt|Gt_LtE|GtE_Lt|Eq_NotEq"
    "|NotEq_Eq|Is_IsNot|IsNot_Is|In_NotIn|NotIn_In))"
)
PAGE = ROOT / "doc" / "test_strength.md"
EXPLAINED = ROOT / "tests" / "data" / "survivors.toml"
# Kinds of mutants that no test of results can notice.
SAME = {"equal", "speed"}
HEAD = """# How strong the tests are

Written by `make coverage mutation` on {date} at commit {commit} ({machine}).

## Coverage

Statements and branches that the quick tests run, kernels included: they are not compiled then
(`NUMBA_DISABLE_JIT=1`). Tests that take minutes in pure Python are left out.

{coverage}

## Mutation

Small faults are put into solvers, statistics and the input gate, one at a time: a neighbouring
comparison, the opposite operation, a number plus or minus one, a negated condition, a loop that is
not entered. Of all that are possible a random share of {share:.1%} is drawn. Each has to be noticed
by tests that run its line, some seconds of them, in pure Python: the slow tests, the fuzzer's long
runs, and what is compiled do not count, though they would notice more.

*Same* are mutants that survive and cannot be noticed by results: the code is equivalent (*equal*),
or only time or memory change (*speed*). The score is the share of the others that are noticed.

{scores}

## Survivors

*Rounding*: results change within what rounding may. *Elsewhere*: noticed by tests that are not
counted here. *Missed*: a test is missing.

{survivors}
"""
# Share of a module's mutants that is drawn, and seconds of tests (as timed in the coverage run,
# several times what they take without it) that a mutant has to survive.
SHARE = 0.053
BUDGET = 12.0


def draw(path):
    """Return the same random share of a module's mutants at every call: (operator, nth, line)."""
    tree = get_ast(path.read_text())
    mutants = []
    for name in filter(OPERATORS.fullmatch, operator_names()):
        operator = get_operator(name)()
        places = chain.from_iterable(map(operator.mutation_positions, ast_nodes(tree)))
        mutants += [(name, k, start[0]) for k, (start, _) in enumerate(places)]
    random.Random(path.name).shuffle(mutants)
    return mutants[: max(1, round(SHARE * len(mutants)))]


def tests_of(contexts, source, line):
    """Return the tests that run the statement around a line; if import does, all of the file."""
    nodes = (n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.stmt))
    names = contexts.get(max(n.lineno for n in nodes if n.lineno <= line <= n.end_lineno), [])
    names = chain.from_iterable(contexts.values()) if "" in names else names
    return {name.removesuffix("|run") for name in names if name.endswith("|run")}


def durations():
    """Return how long each test took that passed in the coverage run."""
    taken = {}
    for case in ElementTree.parse(BUILD / "durations.xml").iter("testcase"):
        if case.get("classname") and not {one.tag for one in case} & {"failure", "error"}:
            path = case.get("classname").replace(".", "/")
            taken[f"{path}.py::{case.get('name')}"] = float(case.get("time"))
    return taken


def choose(names, taken):
    """Return names within the budget: one of each test function, a second, ...; then the quickest.

    Each way has half of it.
    """
    functions, spent = defaultdict(list), 0.0
    quickest = sorted(names & taken.keys(), key=lambda name: (taken[name], name))
    for name in quickest:
        functions[name.partition("[")[0]].append(name)
    in_turn = filter(None, chain.from_iterable(zip_longest(*functions.values())))
    chosen = {}
    for order, budget in ((in_turn, BUDGET / 2), (quickest, BUDGET)):
        for name in order:
            if name not in chosen and spent + taken[name] <= budget:
                chosen[name] = taken[name]
                spent += taken[name]
    return dict(sorted(chosen.items(), key=lambda item: item[1]))


class Mutated(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports one module of the package from other source."""

    def __init__(self, path, source):
        self.name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        self.path, self.source = path, source

    def find_spec(self, name, path=None, target=None):
        if name == self.name:
            return importlib.util.spec_from_file_location(name, self.path, loader=self)

    def get_source(self, name):
        return self.source


class Quickest:
    """A pytest plugin that runs the chosen tests only, quickest first, each for a limited time."""

    def __init__(self, chosen):
        self.chosen = chosen

    def pytest_collection_modifyitems(self, items):
        found = {item.nodeid: item for item in items}
        items[:] = [found[name] for name in self.chosen if name in found]

    def pytest_runtest_logstart(self, nodeid):  # processor time: other work does not count
        signal.setitimer(signal.ITIMER_PROF, 5.0 + 5.0 * self.chosen[nodeid])


def test(path, source, chosen, log):
    """Test a mutant in a fork; return its exit status and what pytest said."""
    child = os.fork()
    if child == 0:
        with log.open("w") as out, redirect_stdout(out), redirect_stderr(out):
            sys.meta_path.insert(0, Mutated(path, source))
            sys.path.insert(0, str(ROOT))
            signal.setitimer(signal.ITIMER_PROF, 30.0)
            files = sorted({name.partition("::")[0] for name in chosen})
            options = ["-x", "-q", "--tb=no", "-p", "no:cacheprovider", "--timeout=0"]
            status = pytest.main([*options, *files], plugins=[Quickest(chosen)])
        os._exit(int(status))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), log.read_text()


def remaining():
    """Return (path, operator, nth, line, tests) of all drawn mutants that were not tested yet."""
    data, taken = CoverageData(BUILD / "coverage"), durations()
    data.read()
    done = {tuple(one["mutant"]) for one in results()}
    found = []
    for path in sorted(chain.from_iterable((ROOT / "sklearn_regnorm").glob(m) for m in MODULES)):
        source, contexts = path.read_text(), data.contexts_by_lineno(str(path))
        for name, k, line in draw(path):
            if (str(path.relative_to(ROOT)), name, k, line) not in done:
                chosen = choose(tests_of(contexts, source, line), taken)
                found.append((path, name, k, line, chosen))
    return found


def try_mutant(path, name, k, line, chosen, log):
    """Test a mutant and record the outcome."""
    before = path.read_text()
    source = mutate_code(before, get_operator(name)(), k)
    status, said = test(path, source, chosen, log) if chosen else (0, "")
    killer = re.search(r"^(FAILED|ERROR) (\S+)", said, re.M)
    pairs = zip(before.splitlines(), source.splitlines(), strict=False)
    result = {
        "mutant": (str(path.relative_to(ROOT)), name, k, line), "survived": status == 0,
        "tests": len(chosen), "status": status, "by": killer and killer[2],
        "diff": next(([a, b] for a, b in pairs if a != b), None),
    }  # fmt: skip
    with RESULTS.open("a") as file:
        file.write(json.dumps(result) + "\n")


def run():
    """Test what remains, in a process for each core."""
    os.chdir(ROOT)
    mutants, jobs = remaining(), os.cpu_count()
    for job in range(jobs):
        if os.fork() == 0:
            for mutant in mutants[job::jobs]:
                try_mutant(*mutant, BUILD / f"mutant{job}.log")
            os._exit(0)
    for _ in range(jobs):
        os.wait()


def results():
    return [json.loads(line) for line in RESULTS.open()] if RESULTS.exists() else []


def forget():
    killed = [one for one in results() if not one["survived"]]
    RESULTS.write_text("".join(json.dumps(one) + "\n" for one in killed))


def explanations():
    """Return {(module, line before, line after): (kind, why)} of survivors that are known."""
    known = tomllib.loads(EXPLAINED.read_text())["survivor"]
    return {(one["in"], one["from"], one["to"]): (one["kind"], one["why"]) for one in known}


def coverage_table():
    """Return the table of lines and branches that the coverage run has seen."""
    measured = Coverage(BUILD / "coverage", config_file=ROOT / "pyproject.toml")
    measured.load()
    out = BUILD / "coverage.json"
    measured.json_report(outfile=str(out))
    parts = defaultdict(Counter)
    for name, one in json.loads(out.read_text())["files"].items():
        inner = Path(name).relative_to("sklearn_regnorm")
        for part in (inner.parts[0] if len(inner.parts) > 1 else "the rest", "all"):
            parts[part].update({k: v for k, v in one["summary"].items() if isinstance(v, int)})
    lines = [
        "| part | statements | run | branches | taken | share |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for part in sorted(parts, key=lambda part: (part == "all", part)):
        n, run, m, taken = (
            parts[part][k]
            for k in ("num_statements", "covered_lines", "num_branches", "covered_branches")
        )
        lines.append(f"| {part} | {n} | {run} | {m} | {taken} | {(run + taken) / (n + m):.1%} |")
    return "\n".join(lines)


def mutation_tables():
    """Return the table of scores, and that of survivors."""
    known, survivors = explanations(), []
    drawn, killed, same = Counter(), Counter(), Counter()
    for one in results():
        module = one["mutant"][0].removeprefix("sklearn_regnorm/")
        old, new = (line.strip() for line in one["diff"])
        kind, why = known.get((module, old, new), ("", "not looked at"))
        for name in (module, "all"):
            drawn[name] += 1
            killed[name] += not one["survived"]
            same[name] += one["survived"] and kind in SAME
        if one["survived"]:
            survivors.append(
                f"| {module} | `{old}` | `{new}` | {kind} | {why} |".replace("||", "|")
            )
    scores = ["| module | mutants | noticed | same | score |", "|---|---:|---:|---:|---:|"]
    for name in sorted(drawn, key=lambda name: (name == "all", name)):
        n, k, s = drawn[name], killed[name], same[name]
        scores.append(f"| {name} | {n} | {k} | {s} | {k / max(n - s, 1):.0%} |")
    low, high = scipy.stats.binomtest(killed["all"], drawn["all"] - same["all"]).proportion_ci(
        method="wilson"
    )
    scores.append(f"\nThe score of all mutants lies within {low:.0%} and {high:.0%} (95 %).")
    head = ["| module | from | to | kind | why |", "|---|---|---|---|---|"]
    return "\n".join(scores), "\n".join([*head, *sorted(survivors)])


def report():
    """Write the page of the documentation."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    )
    scores, survivors = mutation_tables()
    PAGE.write_text(
        HEAD.format(
            date=datetime.date.today(), commit=commit.stdout.strip(),
            machine=f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
            coverage=coverage_table(), share=SHARE, scores=scores, survivors=survivors,
        ),
        encoding="utf-8",
    )  # fmt: skip


if __name__ == "__main__":
    {"run": run, "forget": forget, "report": report}[sys.argv[1]]()
