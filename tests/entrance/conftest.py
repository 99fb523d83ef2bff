import pytest
from django.contrib.auth.hashers import BCryptSHA256PasswordHasher

from tests.dashboard.fixtures import browser, served

__all__ = ["browser", "served"]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The password of a gate is checked in milliseconds; how slow it is otherwise is bcrypt's own matter."""
    monkeypatch.setattr(BCryptSHA256PasswordHasher, "rounds", 4)
