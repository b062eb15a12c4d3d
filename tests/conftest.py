"""The environment of the tests, set before anything imports numba or matplotlib."""

import hashlib
import os
import shutil
import signal
import time
from pathlib import Path


def use_own_numba_cache(keep_days=7):
    """Point numba's on-disk cache to a folder of this source tree, and forget old ones."""
    tree = hashlib.sha256(str(Path(__file__).resolve()).encode()).hexdigest()[:16]
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = home / "sklearn_regnorm-tests" / tree
    os.environ["NUMBA_CACHE_DIR"] = str(cache)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        os.utime(cache)
        for folder in (*cache.parent.iterdir(), *cache.iterdir()):
            if folder.stat().st_mtime < time.time() - keep_days * 86400:
                shutil.rmtree(folder, ignore_errors=True)
    except OSError:  # an unwritable home costs the compile time, no more
        pass


use_own_numba_cache()
os.environ.setdefault("MPLBACKEND", "Agg")  # no test needs a screen
# A script's background job starts with Ctrl-C ignored, and the tests of it would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)

# With NUMBA_DISABLE_JIT there is nothing that could be called from C, as its allocators are.
collect_ignore = ["test_faults.py"] if os.environ.get("NUMBA_DISABLE_JIT") == "1" else []
