"""What a machine cannot hold is refused before anything tries."""

import os


def physical_memory():
    """Return the bytes of memory that the machine has, or infinity where nobody says."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not on Windows, which refuses by itself
        return float("inf")


def check_room(name, shape, needed):
    """Raise MemoryError if there is not enough memory for `needed` bytes.

    Where memory is promised beyond what there is, as Linux does, asking for it is no test: the
    process would be killed when it uses it. A few bytes can claim any shape.
    """
    if needed > physical_memory():
        raise MemoryError(
            f"{name} of shape {tuple(shape)} needs {needed / 2**30:.0f} GiB, more than this "
            "machine has."
        )
