"""What a process imports at its start stays in memory for good, and the garbage collector need not look at it."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def lasting() -> Iterator[None]:
    """Import everything inside: no garbage is looked for meanwhile, nor ever in what is there at the end.

    Otherwise a seventh of a start goes into looking, and later everything waits for a tenth of a second every so often, also
    at the end. The little garbage that imports leave stays: looking for it once would cost as much as a hundred modules.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
