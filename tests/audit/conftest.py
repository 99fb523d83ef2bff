import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from seatrial.control.accounts import tokens
from seatrial.control.accounts.models import User
from seatrial.control.audit.actors import SYSTEM
from tests.dashboard.fixtures import served

__all__ = ["served"]


@pytest.fixture
def speak() -> Callable[[str, User], Any]:
    """`speak(base, user)`: a client of the REST API with a token of `user`."""

    @contextlib.contextmanager
    def speaking(base: str, user: User) -> Iterator[httpx.Client]:
        headers = {"Authorization": f"Bearer {tokens.issue(user, 'reader', by=SYSTEM)}"}
        with httpx.Client(base_url=f"{base}/api/v1", headers=headers, verify=False, timeout=60) as client:
            yield client

    return speaking
