"""What a token may do at GitHub, as far as GitHub says, and what people miss without it."""

from collections.abc import Collection, Mapping

from seatrial.control.forges.protocol import Right

CLASSIC_SCOPE = "repo"
# GitHub never says which of these a fine-grained token has.
NEEDED = {
    "Contents (read)": "agents cannot fetch code: no preview, no verdict",
    "Pull requests (write)": "pull requests are not found, and the comment below them is missing",
    "Commit statuses (write)": "verdicts and previews are not shown beside the commit, and nothing can be required for merging",
    "Webhooks (write)": "webhooks are made by hand; until then, changes are noticed once a minute",
    "Administration (read and write)": "policies do not know who may push to the repository",
}


def rights_of_token(scopes: Collection[str] | None) -> list[Right]:
    """What a token may do. `scopes` are a classic one's; None: it is a fine-grained one."""
    given = None if scopes is None else CLASSIC_SCOPE in scopes
    return [Right(name=name, given=given, without=without) for name, without in NEEDED.items()]


def enterprise_version(headers: Mapping[str, str]) -> str:
    """The name and the version of an Enterprise Server; empty for github.com."""
    version = headers.get("X-GitHub-Enterprise-Version", "")
    return f"GitHub Enterprise Server {version}"[:100] if version else ""
