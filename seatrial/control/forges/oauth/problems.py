"""What can go wrong while somebody authorizes this server, in words that say what to change."""

from collections.abc import Mapping

from seatrial.control.forges.errors import NotAuthorized
from seatrial.control.forges.oauth.endpoint import Refused, Said, said
from seatrial.control.forges.oauth.host import OAuthHost, redirect_uri
from seatrial.control.forges.oauth.models import AuthorizationRequest


def came_back_with(host: OAuthHost, row: AuthorizationRequest, query: Mapping[str, str]) -> str:
    """The code in the address that a browser came back to. Raises NotAuthorized when there is none."""
    code, word = query.get("code", ""), query.get("error", "")
    if code and not word:
        return code
    match said(word):
        case Said.ACCESS_DENIED:
            raise NotAuthorized(
                f"Somebody said no at {host.title}", "Nothing was changed. Begin again, and allow it there."
            )
        case Said.INVALID_SCOPE:
            raise NotAuthorized(
                f"The application at {host.title} has too few scopes",
                f"Give the application at {row.base_url} the scopes {' '.join(host.scopes)}, and begin again.",
            )
    raise NotAuthorized(
        f"{host.title} did not authorize this server",
        f"It sent the browser back without a code. Compare the application at {row.base_url} with what the form says: {host.registering}",
    )


def no_tokens(host: OAuthHost, row: AuthorizationRequest, error: Refused) -> NotAuthorized:
    """Why the forge gave no tokens for its code."""
    uri = redirect_uri()
    match error.said:
        case Said.INVALID_CLIENT:
            return NotAuthorized(
                f"{host.title} does not accept the application",
                f"Its id or its secret is wrong, or the secret has expired. Make a new secret at {row.base_url}, and enter both again.",
            )
        case Said.UNAUTHORIZED_CLIENT:
            return NotAuthorized(
                f"{host.title} does not accept the application, or its own code",
                f"Compare the application at {row.base_url}: enter its id and its secret again, and set its redirect URI to exactly {uri}.",
            )
        case Said.INVALID_GRANT:
            return NotAuthorized(
                f"{host.title} does not accept its own code any more",
                f"It was used already, has expired, or the redirect URI is not the one that the application names: exactly {uri}. "
                "Begin again.",
            )
    return NotAuthorized(
        f"{host.title} gives no tokens",
        f"Compare the application at {row.base_url} with what the form says: {host.registering}",
    )


def another_account(host: OAuthHost, login: str, known: str) -> NotAuthorized:
    """Somebody authorized as whom the connection does not act."""
    return NotAuthorized(
        f"You are signed in at {host.title} as {login}, and this connection acts as {known}",
        f"Sign in there as {known}, and authorize again. If it is to act as {login} from now on, connect again under the "
        "connection's name.",
    )
