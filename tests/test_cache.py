"""Machine code on disk: whatever becomes of it, results are right and the next process works.

N01 to N06 are those of the hazards that the documentation lists.
"""

import shutil
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_allclose
from test_process import COUNTS, FITS, PACKAGE, SMALL, content, environment, run

from sklearn_regnorm import Lasso, _cache

RESULT = "import json; print(json.dumps(coefs))"


@pytest.fixture(scope="module")
def expected():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 8))
    return [Lasso(alpha=0.1).fit(X, X[:, 0] + rng.standard_normal(30)).coef_]


# ------------------------------------------------------------------------------ damage

DAMAGE = """
import os, random, shutil, sys
from pathlib import Path
import numpy as np
from sklearn_regnorm import _cache, _jit

def total(x, factor):
    s = 0.0
    for i in range(x.shape[0]):
        s += factor * x[i]
    return s

def right():
    "Return the exit status of a process that sums."
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if _jit.jit(total)(np.arange(5.0), 2.0) == 20.0 else 99)
        except BaseException:
            os._exit(98)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

folder = _cache.cache_folder() / "__main__.total"
assert right() == 0
sound = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
draw = random.Random(0)
kinds = [path for path in sound if path.suffix in (".nbi", ".nbc")]
assert len(kinds) == 2
for trial in range(int(sys.argv[1])):
    for path, data in sound.items():
        path.write_bytes(data)
    path = draw.choice(kinds if trial % 8 else list(sound))
    data = bytearray(sound[path])
    at = draw.randrange(len(data))
    if trial % 3 == 0:
        del data[at:]
    elif trial % 3 == 1:
        data[at] ^= 1 << draw.randrange(8)
    else:
        data[at:] = bytes(len(data) - at)
    path.write_bytes(data)
    for attempt in range(2):
        status = right()
        assert status == 0, (trial, attempt, path.name, at, status)
    assert all(path.exists() for path in sound), "not stored again"
    assert path.read_bytes() != data or data == sound[path], "damage was not seen"
print("sound")
"""


def damage(tmp_path, trials):
    program = tmp_path / "damage.py"
    program.write_text(DAMAGE)
    done = subprocess.run(
        [sys.executable, program, str(trials)],
        capture_output=True, text=True, env=environment(NUMBA_CACHE_DIR=tmp_path / "cache"),
    )  # fmt: skip
    assert done.stdout.strip() == "sound", done.stdout + done.stderr


@pytest.mark.slow
def test_cut_flipped_or_zeroed_at_any_place_n01_n02(tmp_path):
    damage(tmp_path, 16)


@pytest.mark.fuzz
def test_at_very_many_places_n01_n02(tmp_path):
    damage(tmp_path, 600)


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
def test_all_files_damaged_before_or_gone_after_the_import_n01(tmp_path, expected, when):
    """It only costs the compile."""
    cache = tmp_path / "cache"
    folder = shutil.copytree(_cache.cache_folder(), cache / _cache.cache_folder().name)
    files = [p for p in folder.rglob("*") if p.suffix in (".nbi", ".nbc")]
    assert files
    late = f"import shutil; shutil.rmtree({str(cache)!r}); open({str(cache)!r}, 'w').close()\n"
    if when == "before":
        late = ""
        for k, path in enumerate(files):
            data = path.read_bytes()
            half = len(data) // 2
            flipped = data[:half] + bytes([data[half] ^ 1]) + data[half + 1 :]
            path.write_bytes([data[:half], flipped, b"", b"\x80garbage" * 9][k % 4])
    assert_allclose(run(FITS + late + SMALL + RESULT, NUMBA_CACHE_DIR=cache), expected, rtol=1e-12)


NORMALIZE = "coefs = package.LayerNormalizer().fit_transform(X).tolist()\n"


@pytest.mark.slow
def test_a_full_disk_n01(tmp_path):
    """Files end after some bytes, as they do where there is no more room."""
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))\n"
    first, then = (run(FITS + f + NORMALIZE + RESULT, NUMBA_CACHE_DIR=tmp_path) for f in (full, ""))
    assert first == then


# ------------------------------------------------------------------------------ whose it is


def test_a_folder_that_others_can_write_to_is_not_used_n03(tmp_path, monkeypatch):
    monkeypatch.setattr(_cache.numba.config, "CACHE_DIR", str(tmp_path))
    find = _cache.cache_folder.__wrapped__
    folder = find()
    assert folder.parent == tmp_path and folder.stat().st_mode & 0o777 == 0o700
    for mode in (0o777, 0o770, 0o702):
        folder.chmod(mode)
        assert find() != folder
    folder.chmod(0o700)
    assert find() == folder
    monkeypatch.setattr(_cache.os, "geteuid", lambda: folder.stat().st_uid + 1)
    assert find() is None


def test_every_state_of_the_sources_has_its_own_folder_n04(tmp_path, monkeypatch):
    shutil.copytree(PACKAGE, tmp_path / "p", ignore=shutil.ignore_patterns("__pycache__"))
    before = _cache._fingerprint()
    monkeypatch.setattr(_cache, "PACKAGE", tmp_path / "p")
    assert _cache._fingerprint() == before
    with (tmp_path / "p" / "_jit.py").open("a") as file:
        file.write("# another version\n")
    found = [before, _cache._fingerprint()]
    monkeypatch.setattr(_cache.numba, "__version__", "1000.0")
    found.append(_cache._fingerprint())
    monkeypatch.setattr(
        _cache.numba.config, "BOUNDSCHECK", 1 - bool(_cache.numba.config.BOUNDSCHECK)
    )
    found.append(_cache._fingerprint())
    assert len(set(found)) == 4


@pytest.mark.slow
def test_an_upgrade_runs_no_old_machine_code_n04(tmp_path):
    """Not even where the file that a kernel is in stays as it was."""
    shutil.copytree(PACKAGE, tmp_path / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    program = COUNTS + FITS + NORMALIZE + "print(json.dumps(counts(package)[2:4]))"
    where = {"PYTHONPATH": tmp_path, "NUMBA_CACHE_DIR": None}
    hits, misses = run(program, **where)
    assert hits == 0 < misses
    assert run(program, **where) == [1, 0]  # the one that is called, with all that it calls
    with (tmp_path / PACKAGE.name / "_memory.py").open("a") as file:
        file.write("# another version\n")
    assert run(program, **where) == [0, misses]


# ------------------------------------------------------------------------------ nowhere to write


@pytest.mark.slow
def test_nowhere_to_cache_n05(tmp_path, expected):
    """No folder that numba would use can be written: its own, the sources', the user's."""
    copy = tmp_path / PACKAGE.name
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in [copy, *(p for p in copy.rglob("*") if p.is_dir())]:
        (folder / "__pycache__").write_text("a file where numba would make a folder")
    before = content(tmp_path)
    blocked = copy / "__pycache__" / "blocked"
    coefs, where = run(
        FITS + SMALL + "import json; print(json.dumps([coefs, package.__file__]))",
        "-W", "error", PYTHONPATH=tmp_path, HOME=blocked, XDG_CACHE_HOME=blocked,
        NUMBA_CACHE_DIR=None, PYTHONDONTWRITEBYTECODE=1,
    )  # fmt: skip
    assert where.startswith(str(tmp_path))
    assert_allclose(coefs, expected, rtol=1e-12)
    assert content(tmp_path) == before


@pytest.mark.slow
def test_from_a_zip_file_without_a_home_n05(tmp_path):
    with zipfile.ZipFile(tmp_path / "package.zip", "w") as archive:
        for source in PACKAGE.rglob("*.py"):
            archive.write(source, source.relative_to(PACKAGE.parent))
    where = {"HOME": None, "XDG_CACHE_HOME": tmp_path / "cache", "NUMBA_CACHE_DIR": None}
    program = FITS + NORMALIZE + "import json; print(json.dumps([package.__file__, coefs]))"
    file, coefs = run(program, "-W", "error", PYTHONPATH=tmp_path / "package.zip", **where)
    assert file.startswith(str(tmp_path / "package.zip"))
    assert coefs == run(program)[1]
    assert not [name for name in content(tmp_path) if name.endswith((".nbi", ".nbc"))]


def test_a_user_without_a_home_n05(monkeypatch):
    def nobody():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(_cache.numba.config, "CACHE_DIR", "")
    monkeypatch.setattr(_cache.Path, "home", nobody)
    assert list(_cache._places()) == [PACKAGE / "__pycache__"]


# ------------------------------------------------------------------------------ many at once

TYPES = """
import sys, shutil
import numpy as np
from sklearn_regnorm import _cache, _jit

def total(x):
    s = 0.0
    for i in range(x.shape[0]):
        s += x[i]
    return s

print(_jit.jit(total)(np.arange(5).astype(sys.argv[1])))
"""


@pytest.mark.slow
def test_code_for_other_types_n06(tmp_path):
    """What two processes leave that compile a kernel for two types at the same moment.

    Each finds no index and names its file the first; the last index and the last file stay, which
    need not be of the same process. numba then sums whole numbers as if they were floats.
    """
    program = tmp_path / "sum_of_a_type.py"
    program.write_text(TYPES)

    def total(dtype, cache):
        done = subprocess.run(
            [sys.executable, program, dtype],
            capture_output=True, text=True, env=environment(NUMBA_CACHE_DIR=tmp_path / cache),
        )  # fmt: skip
        return float(done.stdout)

    assert total("f8", "a") == total("i8", "b") == 10.0
    for path in (tmp_path / "a").rglob("*.nbc*"):
        shutil.copy(path, tmp_path / "b" / path.relative_to(tmp_path / "a"))
    for dtype in ("i8", "i8", "f8"):
        assert total(dtype, "b") == 10.0


def start_together(tmp_path, count):
    """Let processes fit with one cold cache, in float64 and float32; return what they found."""
    program = FITS + "import sys\nX = X.astype(sys.argv[1])\n" + NORMALIZE + "print(coefs)"
    here = environment(NUMBA_CACHE_DIR=tmp_path / "cache")

    def one(k):
        command = [sys.executable, "-P", "-c", program, ("f8", "f4")[k % 2]]
        return subprocess.run(command, capture_output=True, text=True, env=here)

    with ThreadPoolExecutor(count) as pool:
        done = list(pool.map(one, range(count)))
    assert [one.returncode for one in done] == [0] * count, done
    return [one.stdout for one in done]


@pytest.mark.slow
def test_processes_with_one_cold_cache_n06(tmp_path):
    found = start_together(tmp_path, 4)
    assert len(set(found)) == 2 == len(set(found[:2]))
    assert start_together(tmp_path, 2) == found[:2]


@pytest.mark.fuzz
def test_32_processes_with_one_cold_cache_n06(tmp_path):
    for _ in range(3):
        found = start_together(tmp_path, 32)
        assert len(set(found)) == 2 == len(set(found[:2]))
        shutil.rmtree(tmp_path / "cache")
