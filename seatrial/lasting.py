"""What a process imports at its start stays in memory for good: the garbage collector need not look at it, and it should be little."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def lasting() -> Iterator[None]:
    """Import everything inside: no garbage is looked for meanwhile, nor ever in what is there at the end.

    Otherwise a seventh of a start goes into looking, and later everything waits for a tenth of a second every so often, also
    at the end. The little garbage that imports leave stays: looking for it once would cost as much as a hundred modules.
    """
    looking = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if looking:
            gc.enable()


@contextmanager
def without(*names: str) -> Iterator[None]:
    """Inside, these modules seem not to be installed, unless they have been imported already.

    For importing libraries that take them along where they are there, for what nobody asks of them here.
    """
    modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]
    hidden = [name for name in names if name not in modules]
    modules.update(dict.fromkeys(hidden))  # None is Python's own way to say that there is no such module
    try:
        yield
    finally:
        for name in hidden:
            del modules[name]
