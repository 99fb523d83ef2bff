"""The dashboard under test: filled rows."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # models cannot be imported before Django is set up, and this file is read before
    from tests.dashboard.harbour import Harbour


@pytest.fixture
def harbour(db: None) -> "Harbour":
    """Every state once."""
    from tests.dashboard.harbour import fill

    return fill()
