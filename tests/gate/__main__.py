"""Judge many seeds in processes of their own: a signal costs the seed that brought it."""

import argparse
import collections
import faulthandler
import json
import resource
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

LONGEST = 60  # seconds for one call, compilation included
ROOM = 8 * 2**30  # bytes of address space beyond what the imports take


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
            counts[f"{case.place} {outcome}"] += 1
            if complaint:
                complaints.append(f"{case}: {complaint}")
    print(json.dumps([counts, complaints]))


def block(first, last):
    """Judge seeds in a new process, and another if it dies; return counts and complaints."""
    counts, complaints = collections.Counter(), []
    while first < last:
        with tempfile.NamedTemporaryFile() as mark:
            mark.write(struct.pack("q", -1))
            mark.flush()
            command = [sys.executable, "-X", "faulthandler", "-W", "ignore", "-m", "gate"]
            command += ["--work", str(first), str(last), mark.name]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode == 0:
                found, more = json.loads(done.stdout.splitlines()[-1])
                return counts + collections.Counter(found), complaints + more
            (seed,) = struct.unpack("q", Path(mark.name).read_bytes())
        if seed < first:
            raise RuntimeError(f"no seed was begun: {done.stderr}")
        complaints.append(f"seed {seed}: exit status {done.returncode}\n{done.stderr[-3000:]}")
        counts["died"] += 1
        if seed > first:  # what came before it is judged again, since it took its results along
            found, more = block(first, seed)
            counts, complaints = counts + found, complaints + more
        first = seed + 1
    return counts, complaints


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--block", type=int, default=1000)
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        work(int(given.work[0]), int(given.work[1]), given.work[2])
        return
    counts, complaints = collections.Counter(), []
    last = given.first + given.cases
    for start in range(given.first, last, given.block):
        found, more = block(start, min(start + given.block, last))
        counts, complaints = counts + found, complaints + more
        for one in more:
            print(one, flush=True)
    print(json.dumps(counts))
    sys.exit(bool(complaints))


if __name__ == "__main__":
    main()
