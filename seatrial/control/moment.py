"""Several queries that see the database as it was at one moment."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def one_moment() -> Iterator[None]:
    """Everything that is read inside is of one moment, however much is committed meanwhile; nothing can be written.

    So a page never shows one row from before a change beside another from after it. Never waits for a writer, and is
    never told to try again. Inside a transaction, its moments are the transaction's own. Also a decorator.
    """
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield
