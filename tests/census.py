"""How many threads a process has while it does something."""

import os
import threading
import time


def _threads():
    return len(os.listdir("/proc/self/task"))


class Census:
    """A context in which the threads of this process are counted, as the system sees them.

    Attributes
    ----------
    most : int
        The largest number of threads, beyond those that there were at the beginning.
    busy : float
        How many threads on average had a processor.
    """

    def __enter__(self):
        self.before, self.most, self._over = _threads(), 0, threading.Event()
        self.begun = time.perf_counter(), time.process_time()
        self._watch = threading.Thread(target=self._count)
        self._watch.start()
        return self

    def __exit__(self, *exception):
        wall, work = self.begun
        self.busy = (time.process_time() - work) / (time.perf_counter() - wall)
        self._over.set()
        self._watch.join()

    def _count(self):
        while not self._over.is_set():
            self.most = max(self.most, _threads() - self.before - 1)  # less this one
            time.sleep(0.001)
