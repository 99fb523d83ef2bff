"""Registers GitHub: everything it provides to the control plane."""

from seatrial.control.forges.github.forge import GitHubForge
from seatrial.control.forges.github.webhooks import GitHubWebhooks
from seatrial.control.forges.registration import Hosting, Registration

GITHUB = Registration(
    kind="github",
    title="GitHub",
    needs_credential=True,
    webhooks=GitHubWebhooks(),
    bind=GitHubForge,
    hosting=Hosting(
        base_url="https://github.com",
        credential="A personal access token: classic with the scope repo, or fine-grained with the repository permissions "
        "Administration, Commit statuses, Pull requests and Webhooks (read and write), Contents and Metadata (read).",
    ),
)
