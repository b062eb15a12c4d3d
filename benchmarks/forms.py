"""Is the form that is chosen the quicker one? ``python -m benchmarks.forms [100x500 ...]``.

Times LassoCV (5 folds × 100 penalties) on generated data with each form forced, and as chosen;
compiling is not counted.
"""

import statistics
import sys
import time
from contextlib import nullcontext

from sklearn_regnorm import LassoCV
from sklearn_regnorm.solvers import forced_form

from .cases import EPS, N_FOLDS, Case

SHAPES = (
    "100x500", "400x800", "1000x900", "5000x900", "2000x1500", "5000x1500", "20000x1500",
    "10000x3000", "300x3000",
)  # fmt: skip
FORMS = {
    "Gram": lambda: forced_form("gram"),
    "working set": lambda: forced_form("working_set"),
    "as chosen": nullcontext,
}
REPEAT = 3


def seconds(X, y, form):
    """Return the time of one fit in the given form."""
    with FORMS[form]():
        start = time.perf_counter()
        LassoCV(cv=N_FOLDS, eps=EPS, n_jobs=2).fit(X, y)
        return time.perf_counter() - start


def main(shapes):
    """Print the table, a line at a time."""
    for form in FORMS:
        seconds(*Case("warm-up", 80, 1100).generate(), form)
    print(f"| shape | {' | '.join(f'{form}, s' for form in FORMS)} |")
    print("|---" * (len(FORMS) + 1) + "|")
    for shape in shapes:
        X, y = Case(shape, *map(int, shape.split("x"))).generate()
        times = {form: [] for form in FORMS}
        for _ in range(REPEAT):  # round about, so that a busy machine disturbs all alike
            for form, values in times.items():
                values.append(seconds(X, y, form))
        row = " | ".join(f"{statistics.median(values):.3g}" for values in times.values())
        print(f"| {shape} | {row} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or SHAPES)
