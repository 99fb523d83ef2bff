"""Our webhook at a project."""

import contextlib
from typing import Any

from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.gitlab.answers import Answer, Hook
from seatrial.control.forges.gitlab.client import GitLabClient, NotAccepted, of_project
from seatrial.control.forges.gitlab.signature import signing_token
from seatrial.control.forges.http.problems import NoSuchThing, no_webhook
from seatrial.control.projects.models import Project

WANTED = ("push_events", "tag_push_events", "merge_requests_events", "note_events")
UNWANTED = (
    "issues_events",
    "confidential_issues_events",
    "confidential_note_events",
    "job_events",
    "pipeline_events",
    "wiki_page_events",
    "deployment_events",
    "releases_events",
)
WORKS = "executable"
REFUSED = (
    "GitLab does not accept {} as a webhook's address. If it is in a private network, an admin of GitLab allows it in "
    "Admin, Settings, Network, Outbound requests."
)


def ensure(client: GitLabClient, project: Project, url: str, secret: str) -> None:
    """Make the webhook, or correct the one that goes to `url`. GitLab shows no token, so both are always sent.

    GitLab before 19 ignores the signing token, and sends the secret token only; `webhooks` reads either. One that GitLab
    has stopped sending to is made anew, because GitLab starts again only after a success; the old one goes last.
    """
    hooks = f"{of_project(project.external_id)}/hooks"
    ours = [hook for hook in client.pages(hooks, Hook) if hook.url == url]
    working = [hook for hook in ours if hook.alert_status == WORKS]
    method, path = ("PUT", f"{hooks}/{working[0].id}") if working else ("POST", hooks)
    try:
        client.send(method, path, _body(url, secret), Hook)
    except NotAccepted as error:
        raise ForgeError(REFUSED.format(url), permanent=True) from error
    for other in [*working[1:], *(hook for hook in ours if hook not in working)]:
        client.delete(f"{hooks}/{other.id}")


def remove(client: GitLabClient, project: Project, url: str) -> None:
    """Remove every webhook that goes to `url`."""
    hooks = f"{of_project(project.external_id)}/hooks"
    try:
        ours = [hook for hook in client.pages(hooks, Hook) if hook.url == url]
    except NoSuchThing:
        return
    for hook in ours:
        client.delete(f"{hooks}/{hook.id}")


def test(client: GitLabClient, project: Project, url: str) -> None:
    """Have a push of the newest commit sent to `url`.

    GitLab waits for its answer, and takes it for its own when it is no success. What came here says more about that.
    """
    hooks = f"{of_project(project.external_id)}/hooks"
    ours = [hook for hook in client.pages(hooks, Hook) if hook.url == url]
    if not ours:
        raise no_webhook(project.full_name, url)
    with contextlib.suppress(NotAccepted):
        client.send("POST", f"{hooks}/{ours[0].id}/test/push_events", {}, Answer)


def _body(url: str, secret: str) -> dict[str, Any]:
    return {
        "url": url,
        "token": secret,
        "signing_token": signing_token(secret),
        "enable_ssl_verification": True,
        **dict.fromkeys(WANTED, True),
        **dict.fromkeys(UNWANTED, False),
    }
