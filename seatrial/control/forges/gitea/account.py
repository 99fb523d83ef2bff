"""Whom a token belongs to, what it lacks, and whether the server is a Gitea or a Forgejo."""

from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.gitea.answers import Answer, Me, Version
from seatrial.control.forges.gitea.client import Forbidden, GiteaClient, MissingScope
from seatrial.control.forges.http.problems import NoSuchThing
from seatrial.control.forges.protocol import ForgeAccount, Right

# A token's scopes are shown to nobody, but checked before the repository is looked for. No owner or repository can have
# the name `-`, so these requests change nothing.
PROBES = {
    "write:repository": "/repos/-/-/statuses/-",
    "write:issue": "/repos/-/-/issues/1/comments",
}
WITHOUT = {
    "write:repository": "webhooks are not made, and verdicts and previews are not shown beside the commit",
    "write:issue": "there is no comment below pull requests, and orders in comments are not answered",
}


def account(client: GiteaClient) -> ForgeAccount:
    """Raises ForgeError; a MissingScope when the token may not even tell whose it is."""
    me = client.get("/user", Me)
    rights = [
        Right(name=scope, given=_has_scope(client, path), without=WITHOUT[scope])
        for scope, path in PROBES.items()
    ]
    return ForgeAccount(
        login=me.login,
        missing=[f"the scope {right.name}" for right in rights if not right.given],
        version=version(client),
        rights=rights,
    )


def version(client: GiteaClient) -> str:
    """What runs there, such as `Forgejo 12.0.1`; empty where that is not said. A Forgejo names the Gitea it is like."""
    try:
        said = client.get("/version", Version).version
    except (Forbidden, MissingScope, NoSuchThing):
        return ""
    number, forgejo, _ = said.partition("+gitea")
    return f"{'Forgejo' if forgejo else 'Gitea'} {number}"[:100]


def _has_scope(client: GiteaClient, path: str) -> bool:
    try:
        client.send("POST", path, {}, Answer)
    except MissingScope:
        return False
    except ForgeError as error:
        if not error.permanent and not isinstance(error, Forbidden):
            raise  # it says nothing about the scope
    return True
