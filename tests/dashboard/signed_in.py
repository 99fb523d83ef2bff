"""Registry logins of a project and of its workspace, for both tiers; one is in the place of the workspace's."""

from seatrial.control.audit.actors import Actor
from seatrial.control.registries import setting
from seatrial.control.registries.entries import Entry
from tests.dashboard.harbour import Harbour

ALICE = Actor.person("alice")


def signed_in(harbour: Harbour) -> list[str]:
    """Where the pages are: of the project, of the workspace."""
    workspace = harbour.project.workspace
    setting.put(workspace, Entry("registry.example.com", "everybody", "of-all"), by=ALICE)
    setting.put(workspace, Entry("docker.io", "harbour", "of-the-hub"), by=ALICE)
    setting.put(harbour.project, Entry("registry.example.com", "robot$shop+reader", "of-one"), by=ALICE)
    setting.put(harbour.project, Entry("registry.example.com", "robot$forks", "of-forks", "forks"), by=ALICE)
    setting.put(
        harbour.project, Entry(f"{'a-long-name.' * 5}registry.example.com:5000", "AWS", "x" * 2_000), by=ALICE
    )
    return [f"projects/{harbour.project.pk}", f"workspaces/{workspace.slug}"]
