"""Where machine code is kept between processes, and what of it may be run again.

numba unpickles and runs what it finds. It looks whether the file that a kernel is in has changed,
not those of the functions that it calls; it checks no sums, and two processes that compile one
kernel for different types at the same time may store one's code under the other's name. So here
every state of the sources has a folder of its own, which only its owner may write to, every file
has its checksum beside it, and code is run for the types that it was compiled for.
"""

import functools
import hashlib
import os
import sys
import tempfile
from pathlib import Path

import llvmlite
import numba
import numpy as np

PACKAGE = Path(__file__).parent
# What changes machine code and is in no key of numba's: with NUMBA_BOUNDSCHECK=1 it would go on
# running code without checks.
SETTINGS = "BOUNDSCHECK", "OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "DEBUGINFO_DEFAULT"


@functools.cache
def cache_folder():
    """Return the folder for the present sources and versions, or None if none can be had."""
    for place in _places():
        folder = place / f"{PACKAGE.name}-{_fingerprint()}"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
            if _only_mine(folder):
                return folder
        except OSError:
            continue
    return None


def _places():
    """Yield where numba would look: the folder it is told, that of the sources, the user's."""
    if numba.config.CACHE_DIR:
        yield Path(numba.config.CACHE_DIR)
    yield PACKAGE / "__pycache__"
    try:
        home = Path.home()
    except RuntimeError:  # there is no such user
        return
    yield Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / PACKAGE.name


def _only_mine(folder):
    """Return whether nobody else can write to a folder, as far as its own permissions say."""
    if os.name != "posix":
        return True
    status = folder.stat()
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def _fingerprint():
    """Return a digest of all that machine code depends on, the processor left to numba."""
    versions = sys.version, numba.__version__, llvmlite.__version__, np.__version__
    settings = [repr(getattr(numba.config, name, None)) for name in SETTINGS]
    digest = hashlib.sha256(repr((versions, settings)).encode())
    for source in sorted(PACKAGE.rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


class SafeCache:
    """numba's cache of one kernel, in a folder of its own; what fails only costs the compile."""

    def __init__(self, cache, folder):
        self._cache = cache
        self._folder = folder

    def __getattr__(self, name):
        return getattr(self._cache, name)

    def load_overload(self, types, *context):
        """Return what was compiled for `types`, or None."""
        try:
            _discard_damaged(self._folder)
            found = self._cache.load_overload(types, *context)
            return found if found is not None and found.signature.args == tuple(types) else None
        except Exception:  # corrupt files raise nearly anything
            return None

    def save_overload(self, *args):
        """Store what was compiled."""
        try:
            self._cache.save_overload(*args)
            _seal(self._folder)
        except Exception:  # unwritable, full, or removed under our feet
            return


def _stored(folder):
    """Yield every file of numba's and that of its checksum."""
    for path in folder.rglob("*.nb[ic]"):
        yield path, path.with_name(f"{path.name}.sha256")


def _checksum(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _discard_damaged(folder):
    """Remove what does not have the checksum it was stored with."""
    for path, seal in _stored(folder):
        if not seal.exists() or seal.read_text() != _checksum(path):
            path.unlink()


def _seal(folder):
    """Store the checksums of what is new."""
    for path, seal in _stored(folder):
        checksum = _checksum(path)
        if not seal.exists() or seal.read_text() != checksum:
            with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as new:
                new.write(checksum)
            os.replace(new.name, seal)
