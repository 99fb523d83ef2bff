"""Registers GitHub: everything it provides to the control plane."""

from seatrial.control.forges.github import KIND
from seatrial.control.forges.github.app import app_of
from seatrial.control.forges.github.app_api import router
from seatrial.control.forges.github.app_forge import GitHubAppForge
from seatrial.control.forges.github.forge import GitHubForge
from seatrial.control.forges.github.webhooks import GitHubWebhooks
from seatrial.control.forges.registration import Hosting, Registration
from seatrial.control.projects.models import Connection


def bind(connection: Connection) -> GitHubForge:
    """By an App or by a token, as the credential says."""
    return (
        GitHubForge(connection) if app_of(str(connection.credential)) is None else GitHubAppForge(connection)
    )


GITHUB = Registration(
    kind=KIND,
    title="GitHub",
    needs_credential=True,
    webhooks=GitHubWebhooks(),
    bind=bind,
    pull_path="/pull/{number}",
    file_path="/blob/{branch}/{path}",
    router=router,
    hosting=Hosting(
        base_url="https://github.com",
        credential="A personal access token: classic with the scope repo, or fine-grained with the repository permissions "
        "Administration, Commit statuses, Pull requests and Webhooks (read and write), Contents and Metadata (read).",
    ),
)
