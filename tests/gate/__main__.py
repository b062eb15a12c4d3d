"""Judge many seeds in processes of their own: a signal costs the seed that brought it."""

import argparse
import collections
import datetime
import faulthandler
import json
import os
import platform
import resource
import struct
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

LONGEST = 120  # seconds for one call, compilation included
ROOM = 8 * 2**30  # bytes of address space beyond what the imports take
BLOCK = 1000
OUTCOMES = "ValueError", "TypeError", "MemoryError", "the caller's own", "equal", "taken"
LAST_RUN = "## Last run"


def work(first, last, mark):
    """Judge seeds, noting in the file `mark` which one is at work; print what was found."""
    from gate.judge import judge

    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, used + ROOM))
    counts, complaints = collections.Counter(), []
    with open(mark, "r+b", buffering=0) as note:
        for seed in range(first, last):
            note.seek(0)
            note.write(struct.pack("q", seed))
            faulthandler.dump_traceback_later(LONGEST, exit=True)
            case, outcome, complaint = judge(seed)
            faulthandler.cancel_dump_traceback_later()
            counts[f"{case.place}/{outcome}"] += 1
            if complaint:
                complaints.append(f"{case}: {complaint}")
    print(json.dumps([counts, complaints]))


def block(first, last):
    """Judge seeds in a new process, and another if it dies; return counts and complaints."""
    with tempfile.NamedTemporaryFile() as mark:
        mark.write(struct.pack("q", -1))
        mark.flush()
        command = [sys.executable, "-X", "faulthandler", "-W", "ignore", "-m", "gate"]
        command += ["--work", str(first), str(last), mark.name]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == 0:
            counts, complaints = json.loads(done.stdout.splitlines()[-1])
            return collections.Counter(counts), complaints
        (seed,) = struct.unpack("q", Path(mark.name).read_bytes())
    if seed < first:
        raise RuntimeError(f"no seed was begun: {done.stderr}")
    complaints = [f"seed {seed}: exit status {done.returncode}\n{done.stderr[-3000:]}"]
    counts = collections.Counter({"died/": 1})
    for start, stop in ((first, seed), (seed + 1, last)):  # the dead took their results along
        if start < stop:
            more = block(start, stop)
            counts, complaints = counts + more[0], complaints + more[1]
    return counts, complaints


def report(counts, complaints, first, seconds):
    """Return what was found, in Markdown."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True)
    names = "numpy", "scipy", "scikit-learn", "numba"
    total = counts.total()
    lines = [
        f"- {datetime.date.today()}, commit {commit.stdout.strip()[:12]}",
        f"- {os.cpu_count()} cores, {platform.machine()}, {platform.system()}; Python "
        f"{platform.python_version()}, " + ", ".join(f"{one} {version(one)}" for one in names),
        f"- seeds {first:,} to {first + total - 1:,}, {seconds / 60:.0f} minutes",
        f"- **{counts['died/']} signals or hangs, {len(complaints)} complaints, {total:,} calls**",
        "",
        "| what was odd | calls | " + " | ".join(OUTCOMES) + " |",
        "|---" * (len(OUTCOMES) + 2) + "|",
    ]
    places = collections.Counter()
    for key, count in counts.items():
        places[key.split("/")[0]] += count
    for place, count in [*places.most_common(), ("all", total)]:
        row = [
            sum(n for key, n in counts.items() if key in (f"{place}/{one}",)
                or (place == "all" and key.endswith(f"/{one}")))
            for one in OUTCOMES
        ]  # fmt: skip
        lines.append(f"| {place} | {count:,} | " + " | ".join(f"{n:,}" for n in row) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=BLOCK)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument(
        "--report", type=Path, help=f"page whose end, from '{LAST_RUN}', is written"
    )
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        work(int(given.work[0]), int(given.work[1]), given.work[2])
        return
    begin = time.monotonic()
    counts, complaints = collections.Counter(), []
    last = given.first + given.cases
    starts = range(given.first, last, BLOCK)
    with ThreadPoolExecutor(given.jobs) as pool:
        ends = (min(start + BLOCK, last) for start in starts)
        for found, more in pool.map(block, starts, ends):
            counts, complaints = counts + found, complaints + more
            for one in more:
                print(one, flush=True)
    text = report(counts, complaints, given.first, time.monotonic() - begin)
    print(text)
    if given.report:
        page = given.report.read_text(encoding="utf-8").split(LAST_RUN)[0]
        given.report.write_text(f"{page}{LAST_RUN}\n\n{text}\n", encoding="utf-8")
    sys.exit(bool(complaints))


if __name__ == "__main__":
    main()
