"""Go through seeds in parallel: blocks that are finished are recorded, and not done again."""

import contextlib
import hashlib
import json
import multiprocessing
import os
import signal
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path

from threadpoolctl import threadpool_limits

from .cases import KINDS, faults_of, kind_of, make_case, symptoms
from .shrink import shrink
from .store import encode

ROOT = Path(__file__).resolve().parents[2]
BLOCK = 500
_stop = None  # of a worker: the event that asks it to stop


@dataclass
class Summary:
    """What has been run: problems, seconds and failures by kind, and the failures as JSON."""

    wanted: int
    count: dict = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    failed: dict = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    seconds: dict = field(default_factory=lambda: dict.fromkeys(KINDS, 0.0))
    slowest: dict = field(default_factory=lambda: dict.fromkeys(KINDS, 0.0))
    failures: list = field(default_factory=list)

    @property
    def problems(self):
        return sum(self.count.values())

    @property
    def complete(self):
        return self.problems == self.wanted

    def add(self, block):
        for name in ("count", "failed", "seconds"):
            for kind, value in block[name].items():
                getattr(self, name)[kind] += value
        for kind, value in block["slowest"].items():
            self.slowest[kind] = max(self.slowest[kind], value)
        self.failures += block["failures"]


def sources():
    """Return a digest of the package and of what judges it: what a record is valid for."""
    digest = hashlib.sha256()
    files = [*(ROOT / "sklearn_regnorm").rglob("*.py"), *(ROOT / "tests" / "fuzz").glob("*.py")]
    helpers = "oracle", "problems", "controlled", "ridge_reference"
    for file in sorted([*files, *(ROOT / "tests" / f"{name}.py" for name in helpers)]):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def run(problems, first=0, jobs=None, kind=None, folder=ROOT / "build" / "fuzz", say=print):
    """Judge the problems of seeds first, first + 1, ...; return the Summary.

    Ctrl-C ends it early, after the problems that are being solved. A process that dies ends it with
    BrokenProcessPool: the seed is in one of the blocks of which none was recorded.
    """
    summary, begin = Summary(problems), time.monotonic()
    record = Path(folder) / f"{sources()}.jsonl"
    record.parent.mkdir(parents=True, exist_ok=True)
    wanted = {
        (seed, min(BLOCK, first + problems - seed), kind)
        for seed in range(first, first + problems, BLOCK)
    }
    for block in blocks_in(record):
        if tuple(block["block"]) in wanted:
            wanted.remove(tuple(block["block"]))
            summary.add(block)
    done = summary.problems
    if done:
        say(f"{done} problems were judged before, as {record} says: going on")
    # spawned, since a process with numba's threads must not be forked
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    with (
        ProcessPoolExecutor(jobs or os.cpu_count(), context, prepare_worker, (stop,)) as pool,
        record.open("a") as file,
        stopping_at_interrupt(stop, pool),
    ):
        begun = [pool.submit(run_block, *block) for block in sorted(wanted, key=itemgetter(0))]
        for future in as_completed(begun):
            block = future.result()
            if block is None:
                continue
            file.write(json.dumps(block) + "\n")
            file.flush()
            summary.add(block)
            rate = (summary.problems - done) / (time.monotonic() - begin)
            say(
                f"{summary.problems} of {problems} problems, {len(summary.failures)} failures, "
                f"{rate:.0f} per second, {(problems - summary.problems) / rate / 60:.0f} min left"
            )
    return summary


def blocks_in(record):
    """Yield the blocks of a record; a last line that is cut short is none."""
    for line in record.read_text().splitlines() if record.exists() else []:
        with contextlib.suppress(json.JSONDecodeError):
            yield json.loads(line)


@contextlib.contextmanager
def stopping_at_interrupt(stop, pool):
    """On Ctrl-C ask the workers to stop after the problem at hand, and go on."""
    try:
        yield
    except KeyboardInterrupt:
        stop.set()
        pool.shutdown(cancel_futures=True)


def prepare_worker(stop):
    """Leave Ctrl-C to the parent, and threads to the other workers."""
    global _stop
    _stop = stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpool_limits(1)


def run_block(first, count, kind):
    """Judge a block of seeds in a worker; return what `Summary.add` takes, or None if stopped."""
    found = {"block": (first, count, kind), "failures": []}
    for name in ("count", "failed", "seconds", "slowest"):
        found[name] = {}
    seen = set()
    for seed in range(first, first + count):
        if _stop is not None and _stop.is_set():
            return None
        one, begin = kind or kind_of(seed), time.perf_counter()
        problem = make_case(seed, one)
        faults = faults_of(one, problem)
        if any(fault.startswith("TimeoutError") for fault in faults):
            faults = faults_of(one, problem)  # the first time there may have been much to compile
        seconds = time.perf_counter() - begin
        for name, value in (("count", 1), ("failed", bool(faults)), ("seconds", seconds)):
            found[name][one] = found[name].get(one, 0) + value
        found["slowest"][one] = max(found["slowest"].get(one, 0.0), seconds)
        if faults:
            if not symptoms(faults) <= seen:  # of what fails alike, one is made smaller
                seen |= symptoms(faults)
                problem, faults = shrink(one, problem, faults)
            found["failures"].append(encode(one, problem, faults))
    return found


def judge_seed(seed, kind=None, say=print):
    """Judge one seed; if it fails, show the smallest problem that does, and return its line."""
    kind = kind or kind_of(seed)
    problem = make_case(seed, kind)
    faults = faults_of(kind, problem)
    say(f"{kind}: {problem}")
    if not faults:
        say("no fault")
        return None
    problem, faults = shrink(kind, problem, faults)
    say(f"smaller: {problem}\nX = {problem.Z!r}\ny = {problem.y!r}\nweights = {problem.v!r}")
    say("\n".join(faults))
    return encode(kind, problem, faults)
