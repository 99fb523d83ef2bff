"""Passwords: checking them costs a quarter of a second, so what was right is remembered, and wrong ones are counted.

Both are in the cache that all web processes share. Counts of two processes may miss one another's last attempt, no more.
"""

from django.contrib.auth.hashers import verify_password
from django.core.cache import cache
from django.utils.crypto import constant_time_compare, salted_hmac

from seatrial.control.entrance.rules import HASHER
from seatrial.control.entrance.visitor import IpAddress, Login
from seatrial.control.projects.models import Gate

REMEMBERED_SECONDS = 300
MOST_WRONG = 10  # in COUNTED_SECONDS, from one address
MOST_WRONG_IN_ALL = 100  # for one gate
COUNTED_SECONDS = 60


def is_known(gate: Gate, login: Login) -> bool:
    """Whether it was right within the last minutes."""
    return bool(cache.get(_of_login(gate, login)))


def is_right(gate: Gate, login: Login) -> bool:
    """Whether that is the gate's user name and password; slow. It is known from then on."""
    name = constant_time_compare(login.username, gate.username)
    password, _ = verify_password(login.password, gate.password, preferred=HASHER)
    if not (name and password):
        return False
    cache.set(_of_login(gate, login), 1, REMEMBERED_SECONDS)
    return True


def too_many(gate: Gate, ip: IpAddress | None) -> bool:
    """Whether so many were wrong that the next is not looked at."""
    return _count(_of_gate(gate)) >= MOST_WRONG_IN_ALL or _count(_of_address(gate, ip)) >= MOST_WRONG


def count_wrong(gate: Gate, ip: IpAddress | None) -> None:
    """One was wrong."""
    for key in (_of_gate(gate), _of_address(gate, ip)):
        if not cache.add(key, 1, COUNTED_SECONDS):
            cache.set(key, _count(key) + 1, COUNTED_SECONDS)


def _count(key: str) -> int:
    return int(cache.get(key) or 0)


def _of_login(gate: Gate, login: Login) -> str:
    text = f"{gate.pk}:{login.username}:{login.password}"
    return f"gate-known-{salted_hmac('seatrial.entrance.password', text, algorithm='sha256').hexdigest()}"


def _of_gate(gate: Gate) -> str:
    return f"gate-wrong-{gate.pk}"


def _of_address(gate: Gate, ip: IpAddress | None) -> str:
    return f"gate-wrong-{gate.pk}-{ip}"
