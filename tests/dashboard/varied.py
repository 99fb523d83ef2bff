"""Variables of a project and of its workspace: plain ones and secrets, for both tiers, one too short to be masked."""

from seatrial.control.audit.actors import Actor
from seatrial.control.variables import setting
from seatrial.control.variables.entries import Entry
from tests.dashboard.harbour import Harbour

ALICE = Actor.person("alice")


def varied(harbour: Harbour) -> list[str]:
    """Where the pages are: of the project, of the workspace. One variable is in the place of the workspace's."""
    workspace = harbour.project.workspace
    of_all = [
        Entry("LOG_LEVEL", "debug", secret=False),
        Entry("STRIPE_KEY", "sk_test_of_all"),
        Entry("SENTRY_DSN", "https://key@sentry.example.com/42"),
    ]
    own = [
        Entry("STRIPE_KEY", "sk_test_51Hx"),
        Entry("STRIPE_KEY", "sk_test_fake", tier="forks"),
        Entry("PIN", "1234"),
        Entry("ALLOWED_ORIGINS", ", ".join(f"https://shop-{n}.example.com" for n in range(9)), secret=False),
        Entry("EMPTY", "", secret=False),
    ]
    setting.put(workspace, of_all, by=ALICE)
    setting.put(harbour.project, own, by=ALICE)
    return [f"projects/{harbour.project.pk}", f"workspaces/{workspace.slug}"]
