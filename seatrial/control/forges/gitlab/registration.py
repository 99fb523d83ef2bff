"""Registers GitLab: everything it provides to the control plane."""

from seatrial.control.forges.gitlab.forge import GitLabForge
from seatrial.control.forges.gitlab.webhooks import GitLabWebhooks
from seatrial.control.forges.registration import Hosting, Registration

GITLAB = Registration(
    kind="gitlab",
    title="GitLab",
    needs_credential=True,
    webhooks=GitLabWebhooks(),
    bind=GitLabForge,
    hosting=Hosting(
        base_url="https://gitlab.com",
        credential="An access token with the scope api, of an account with the role Maintainer: a personal one, "
        "or one of a group or a project.",
    ),
)
