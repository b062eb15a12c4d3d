"""The environment of the tests, set before anything imports numba or matplotlib."""

import hashlib
import os
import shutil
import signal
import sys
import time
from importlib.metadata import version
from pathlib import Path


def use_fresh_numba_cache(keep_days=7):
    """Point numba's on-disk cache to a folder that belongs to these very sources.

    numba compiles a cached function again when its own file has changed, but not when a function
    that it calls from another file has: it would go on running the old code.
    """
    package = Path(__file__).resolve().parents[1] / "sklearn_regnorm"
    digest = hashlib.sha256(f"{sys.version} {version('numba')} {package}".encode())
    for source in sorted(package.rglob("*.py")):
        digest.update(source.read_bytes())
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    caches = home / "sklearn_regnorm-tests"
    cache = caches / digest.hexdigest()[:16]
    os.environ["NUMBA_CACHE_DIR"] = str(cache)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        os.utime(cache)
        for folder in caches.iterdir():
            if folder.stat().st_mtime < time.time() - keep_days * 86400:
                shutil.rmtree(folder, ignore_errors=True)
    except OSError:  # an unwritable home costs the compile time, no more
        pass


use_fresh_numba_cache()
os.environ.setdefault("MPLBACKEND", "Agg")  # no test needs a screen
# A script's background job starts with Ctrl-C ignored, and the tests of it would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)
