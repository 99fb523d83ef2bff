"""A project with saved data in every state."""

from typing import TYPE_CHECKING

from django.utils import timezone

from seatrial.control.previews.models import Snapshot
from seatrial.wire.states import SnapshotState
from tests import factories

if TYPE_CHECKING:
    from seatrial.control.projects.models import Project
    from tests.dashboard.harbour import Harbour


def saved(harbour: "Harbour") -> "Project":
    """The project. Made once."""
    project = harbour.project
    if project.snapshots.exists():
        return project
    agent = harbour.live.shown_agent or factories.agent(name="local")
    rows: list[dict[str, object]] = [
        {"state": SnapshotState.SAVED, "ended_at": timezone.now()},
        {"state": SnapshotState.FAILED, "problem": "there is no data to save", "ended_at": timezone.now()},
        {"state": SnapshotState.SAVED, "reflinked": True, "for_forks": True},
        {"state": SnapshotState.SAVING},
    ]
    for row in rows:
        Snapshot.objects.create(
            project=project,
            agent=agent,
            environment=harbour.live,
            source=harbour.live.name,
            saved_by="alice",
            **row,
        )
    return project
