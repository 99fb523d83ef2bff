"""Registers GitLab: everything it provides to the control plane."""

from functools import partial

from seatrial.control.forges.gitlab.forge import GitLabForge
from seatrial.control.forges.gitlab.oauth import OAUTH
from seatrial.control.forges.gitlab.rotation import KIND, rotate_due
from seatrial.control.forges.gitlab.webhooks import GitLabWebhooks
from seatrial.control.forges.oauth.withdrawing import withdraw_due
from seatrial.control.forges.registration import Hosting, Registration, WorkerTask

ROTATE_SECONDS = 3600.0
WITHDRAW_SECONDS = 60.0


GITLAB = Registration(
    kind=KIND,
    title="GitLab",
    needs_credential=True,
    webhooks=GitLabWebhooks(),
    bind=GitLabForge,
    pull_path="/-/merge_requests/{number}",
    file_path="/-/blob/{branch}/{path}",
    hosting=Hosting(
        base_url="https://gitlab.com",
        credential="An access token with the scope api, of an account with the role Maintainer: a personal one, "
        "or one of a group or a project.",
        oauth=OAUTH,
    ),
    tasks=[
        WorkerTask(
            name="gitlab_tokens",
            make=lambda: rotate_due,
            seconds=ROTATE_SECONDS,
            channel="seatrial_gitlab_tokens",
        ),
        WorkerTask(
            name="gitlab_withdrawals",
            make=lambda: partial(withdraw_due, KIND, OAUTH),
            seconds=WITHDRAW_SECONDS,
            channel="seatrial_gitlab_withdrawals",
        ),
    ],
)
