"""What the own tests of a policy's version say. No version has tests yet."""

from seatrial.control.policies.models import PolicyVersion
from seatrial.wire.states import TestsState


def newest_tests(version: PolicyVersion) -> TestsState | None:
    """None: it has none."""
    return None
