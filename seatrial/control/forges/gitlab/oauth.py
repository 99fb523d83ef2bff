"""GitLab's side of OAuth."""

from seatrial.control.forges.oauth.host import OAuthHost

OAUTH = OAuthHost(
    title="GitLab",
    api_path="/api/v4",
    authorize_path="/oauth/authorize",
    token_path="/oauth/token",  # noqa: S106
    revoke_path="/oauth/revoke",
    scopes=("api",),
    registering="At GitLab: Edit profile, Applications (or those of a group, or of all of GitLab). Leave Confidential ticked, and tick "
    "the scope api.",
    withdrawing="At GitLab: Edit profile, Applications, Authorized applications.",
)
