"""Mutation testing: how many small faults, put into the source at random, do the tests notice?

``python tests/mutation.py run``, after `make coverage`, tests the drawn mutants that are not yet in
build/mutants.jsonl; ``forget`` takes the survivors out of it, to be tested again; ``report`` prints
the scores and the survivors. cosmic-ray makes the mutants. Its own runner would start Python and
import scikit-learn for each of them, and mutmut leaves out functions with a decorator, which all
kernels have. Here each mutant is a fork that imports the package with one module's source
exchanged; nothing is written to the source tree.
"""

import ast
import importlib.abc
import importlib.util
import json
import os
import random
import re
import signal
import sys
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
from coverage import CoverageData  # noqa: E402

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
    """Return names within the budget, one of each test function first, then a second of each."""
    functions = defaultdict(list)
    for name in sorted(names & taken.keys(), key=lambda name: (taken[name], name)):
        functions[name.partition("[")[0]].append(name)
    chosen, spent = {}, 0.0
    for name in filter(None, chain.from_iterable(zip_longest(*functions.values()))):
        if spent + taken[name] <= BUDGET:
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


def report():
    drawn, killed = Counter(), Counter()
    for one in results():
        for name in (one["mutant"][0].removeprefix("sklearn_regnorm/"), "all"):
            drawn[name] += 1
            killed[name] += not one["survived"]
    print("| module | mutants | noticed | share | 95 % interval |\n|---|---|---|---|---|")
    for name in sorted(drawn, key=lambda name: (name == "all", name)):
        low, high = scipy.stats.binomtest(killed[name], drawn[name]).proportion_ci(method="wilson")
        share = f"{killed[name] / drawn[name]:.0%} | {low:.0%} to {high:.0%}"
        print(f"| {name} | {drawn[name]} | {killed[name]} | {share} |")
    for one in filter(lambda one: one["survived"], results()):
        module, name, _, line = one["mutant"]
        old, new = one["diff"]
        print(f"\n{module}:{line} {name} ({one['tests']} tests)\n- {old.strip()}\n+ {new.strip()}")


if __name__ == "__main__":
    {"run": run, "forget": forget, "report": report}[sys.argv[1]]()
