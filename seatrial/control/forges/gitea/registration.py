"""Registers Gitea and Forgejo: everything they provide to the control plane."""

from functools import partial

from seatrial.control.forges.gitea.forge import GiteaForge
from seatrial.control.forges.gitea.oauth import OAUTH
from seatrial.control.forges.gitea.webhooks import GiteaWebhooks
from seatrial.control.forges.oauth.withdrawing import withdraw_due
from seatrial.control.forges.registration import Hosting, Registration, WorkerTask

WITHDRAW_SECONDS = 60.0

GITEA = Registration(
    kind="gitea",
    title="Gitea or Forgejo",
    needs_credential=True,
    webhooks=GiteaWebhooks(),
    bind=GiteaForge,
    pull_path="/pulls/{number}",
    file_path="/src/branch/{branch}/{path}",
    hosting=Hosting(
        base_url="",  # no server is the usual one, and a token must not go to another
        credential="An access token (Settings, Applications) with the scopes write:repository, write:issue and read:user, "
        "of an account that is an administrator of the repositories.",
        oauth=OAUTH,
    ),
    tasks=[
        WorkerTask(
            name="gitea_withdrawals",
            make=lambda: partial(withdraw_due, "gitea", OAUTH),
            seconds=WITHDRAW_SECONDS,
            channel="seatrial_gitea_withdrawals",
        ),
    ],
)
