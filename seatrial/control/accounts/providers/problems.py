"""What can go wrong between the button and being signed in, in words that name the setting to change."""

from dataclasses import dataclass
from enum import StrEnum

from allauth.socialaccount.providers.oauth2.client import OAuth2Error

from seatrial.control.accounts.providers.configured import Provider
from seatrial.control.errors import ControlError


class Problem(StrEnum):
    """Also the reason in the audit log."""

    DISABLED = "disabled"
    INCOMPLETE = "incomplete"
    STATE = "state"
    REDIRECT_URI = "redirect_uri"
    CREDENTIALS = "credentials"
    CODE = "code"
    SCOPE = "scope"
    AUTHORITY = "authority"
    UNREACHABLE = "unreachable"
    FORBIDDEN_ADDRESS = "forbidden_address"
    NOT_THE_PROVIDER = "not_the_provider"
    PROVIDER_ERROR = "provider_error"
    NOT_ADMITTED = "not_admitted"
    AT_THE_SAME_TIME = "at_the_same_time"


class ProviderError(ControlError, OAuth2Error):
    """The provider could not be asked, or said no. allauth handles OAuth2Error, and asks our adapter for the page."""

    code = "provider_error"
    status = 502

    def __init__(self, problem: Problem) -> None:
        super().__init__(WORDS[problem].title)
        self.problem = problem


@dataclass(frozen=True)
class Words:
    """A page: what is wrong, and what to do. `{name}`, `{prefix}` (`GITLAB`), `{url}`, `{callback}` are the provider's.

    `operators`: only whoever runs this server can do it, and not whoever reads it.
    """

    status: int
    title: str
    text: str
    fix: str = ""
    operators: bool = True


WORDS: dict[Problem, Words] = {
    Problem.DISABLED: Words(
        404,
        "{name} is not enabled",
        "Nobody can sign in with {name} here.",
        "To change that, set {switch}=True and start the web process again.",
    ),
    Problem.INCOMPLETE: Words(
        503,
        "{name} is not set up yet",
        "{name} is enabled, but not all that it needs is set.",
        "Set {missing} and start the web process again, or set {switch}=False.",
    ),
    Problem.STATE: Words(
        400,
        "This sign-in is over",
        "It was begun more than ten minutes ago, or in another browser, or was used already.",
        "Begin again. If this happens every time, open this server at {site}, the address that SITE_URL says: cookies of another address do not count.",
        operators=False,
    ),
    Problem.REDIRECT_URI: Words(
        502,
        "{name} does not know where to send people back to",
        "The application at {name} names another redirect URI than this server.",
        "Open the application at {url} and set its redirect URI (callback) to exactly {callback}. The first part of it is SITE_URL.",
    ),
    Problem.CREDENTIALS: Words(
        502,
        "{name} does not accept this server's credentials",
        "The client secret is wrong or has expired, or the client id belongs to no application there.",
        "Make a new secret for the application at {url}, set {prefix}_CLIENT_ID and {prefix}_CLIENT_SECRET, and start the web process again.",
    ),
    Problem.CODE: Words(
        502,
        "{name} does not accept its own answer any more",
        "What it sent was used already or has expired, or the redirect URI is not the one that its application names.",
        "Begin again. If this happens every time, compare the redirect URI of the application at {url} with {callback}.",
        operators=False,
    ),
    Problem.SCOPE: Words(
        502,
        "{name} does not say who you are",
        "The application may not read what this server has to know.",
        "Give the application at {url} the scopes {scopes}.",
    ),
    Problem.AUTHORITY: Words(
        502,
        "The certificate of {name} is not trusted",
        "{url} answers with a certificate whose authority this server does not know, or that is not valid for this name or this day.",
        "Set GITGRIT_CUSTOM_CA_FILE_PATH to a PEM file with the certificate of the authority that issued it (not of the server itself), and check this machine's clock.",
    ),
    Problem.UNREACHABLE: Words(
        502,
        "{name} does not answer",
        "This server cannot reach {url}.",
        "Check {prefix}_URL, name service and firewall on the machine of the web process, and try again.",
    ),
    Problem.FORBIDDEN_ADDRESS: Words(
        502,
        "{name} may not be asked",
        "Requests to this address are not allowed.",
        "Check {prefix}_URL: link-local and metadata addresses are never asked.",
    ),
    Problem.NOT_THE_PROVIDER: Words(
        502,
        "What answers is not {name}",
        "{url} answers with something else: a page, or a redirect to another address.",
        "Check {prefix}_URL: the root of {name}, as browsers end up at, and no proxy or portal before it.",
    ),
    Problem.PROVIDER_ERROR: Words(
        502,
        "{name} reports a problem",
        "{name} ended the sign-in.",
        "Try again. If it stays, see the log of {name}.",
        operators=False,
    ),
    Problem.NOT_ADMITTED: Words(
        403,
        "This account may not sign in here",
        "{name} knows you, but this server has no place for this account.",
        "Ask an admin of this server to let you in. If you have an account here already, sign in with its password and connect {name} on the page Security.",
        operators=False,
    ),
    Problem.AT_THE_SAME_TIME: Words(
        409,
        "This account is being made",
        "It signs in somewhere else at this moment.",
        "Begin again.",
        operators=False,
    ),
}


def words(problem: Problem, provider: Provider, **more: str) -> Words:
    """The page about `problem` with `provider`."""
    from django.conf import settings

    names = {
        "name": provider.name,
        "prefix": provider.kind.upper(),
        "url": provider.url,
        "callback": provider.callback,
        "switch": provider.switch,
        "missing": " and ".join(provider.missing),
        "site": settings.SITE_URL,
        "scopes": "",
        **more,
    }
    said = WORDS[problem]
    title, text, fix = (part.format(**names) for part in (said.title, said.text, said.fix))
    return Words(said.status, title, text, fix, said.operators)
