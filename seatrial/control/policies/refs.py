"""Whether the expressions of policies are found in refs. People write both, so none is matched while a transaction is open.

A transaction that has to know begins in a function with `refs_are_matched`. What nobody knows yet ends it: it is rolled back, the
expressions are matched, and the function runs again.
"""

import functools
import threading
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

from django.db import connection

from seatrial.control.policies.criteria import search_ref

P = ParamSpec("P")
R = TypeVar("R")
MOST = 10_000  # answers that are remembered
_answers: dict[tuple[str, str], bool] = {}
_lock = threading.Lock()
_runs_again: ContextVar[bool] = ContextVar("runs_again", default=False)


class NotMatchedYet(Exception):
    """The transaction has to be run again, once these expressions were searched for in this ref."""

    def __init__(self, patterns: set[str], ref: str) -> None:
        super().__init__("expressions are matched outside of transactions")
        self.patterns, self.ref = patterns, ref


def refs_are_matched(begin: Callable[P, R]) -> Callable[P, R]:
    """`begin` opens the transaction, and changes nothing but the database: it may be called several times."""

    @functools.wraps(begin)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if connection.in_atomic_block:
            return begin(*args, **kwargs)  # whoever opened that transaction runs again
        token = _runs_again.set(True)
        try:
            while True:
                try:
                    return begin(*args, **kwargs)
                except NotMatchedYet as missing:
                    _match(missing.patterns, missing.ref)
        finally:
            _runs_again.reset(token)

    return run


def which_apply(patterns: Iterable[str], ref: str) -> set[str]:
    """Those of `patterns` that are empty or found in the ref. Raises NotMatchedYet where the transaction can run again."""
    wanted = set(patterns)
    with _lock:
        known = {one: _answers[one, ref] for one in wanted if (one, ref) in _answers}
    missing = wanted - known.keys()
    if missing and _runs_again.get():
        raise NotMatchedYet(missing, ref)
    return {one for one, found in {**known, **_match(missing, ref)}.items() if found}


def _match(patterns: Iterable[str], ref: str) -> dict[str, bool]:
    found = {one: search_ref(one, ref) for one in patterns}
    with _lock:
        if len(_answers) > MOST:
            _answers.clear()
        _answers.update({(one, ref): answer for one, answer in found.items()})
    return found
