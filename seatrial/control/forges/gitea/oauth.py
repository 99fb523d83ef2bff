"""Gitea's and Forgejo's side of OAuth. They have no word for the end of an authorization."""

from seatrial.control.forges.oauth.host import OAuthHost

OAUTH = OAuthHost(
    title="Gitea or Forgejo",
    api_path="/api/v1",
    authorize_path="/login/oauth/authorize",
    token_path="/login/oauth/access_token",  # noqa: S106
    scopes=("write:repository", "write:issue", "read:user"),
    registering="There: Settings, Applications, Manage OAuth2 applications. Leave Confidential client ticked; no scope is chosen there.",
    withdrawing="There: Settings, Applications, Authorized OAuth2 applications.",
)
