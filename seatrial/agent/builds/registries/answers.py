"""The result of a pull, in our own words: buildah's output may quote a server's answer, so it is never passed on."""

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum, auto

from seatrial.agent.vocabulary.errors import AgentError, BuildError, ImageUnavailable, NoSpace


class Login(Enum):
    """Whose login the registry was given."""

    NONE = auto()
    OPERATOR = auto()
    PROJECT = auto()


# Where a login that a registry refuses can be renewed, for people.
PLACES = {
    Login.OPERATOR: "the login in GALLEY_REGISTRY_AUTH_FILE",
    Login.PROJECT: "the login that is set for it (Settings, Registries, of the project or its workspace)",
}


class SignInNeeded(ImageUnavailable):
    """The registry wants a login, and was given none."""


class RegistrySilent(Exception):
    """A registry did not answer, or refused for a while; the text says which. `fix` is for whoever runs the agent's host.

    `limits`: it answers, and wants to be asked less.
    """

    def __init__(self, why: str, fix: str = "make the registry reachable", *, limits: bool = False) -> None:
        super().__init__(why)
        self.fix = fix
        self.limits = limits


def _words(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


CLOSED = "leads to an address of the agent's host or its network, which pulls may not reach"
DIALLED = re.compile(r"dial tcp \[?([0-9a-f.:]+?)\]?:(\d+):")
STATUS = r"(?:status(?: code)?(?: from registry)?:? |StatusCode: )"
NAMES = _words(
    r'docker://\S+|reading manifest \S+ in \S+|https?://[^"\s]+'
)  # what is asked for may be called anything
LIMITS = _words(rf"toomanyrequests|too many requests|rate limit|{STATUS}429")
NO_SPACE = _words("no space left on device")
CERTIFICATE = _words("x509:|tls: |certificate")
NO_TLS = _words("gave HTTP response to HTTPS client|does not look like a TLS handshake")
FAILS = _words(rf"{STATUS}(5\d\d)")
SIGN_IN = _words(rf"unauthori[sz]ed|authentication required|(?<!permission )denied|forbidden|{STATUS}40[13]")
UNKNOWN = _words(rf"manifest unknown|name unknown|not found|{STATUS}404")
MACHINE = _words("no image found in .* for architecture|no match for platform")
AWAY = _words(
    "no such host|dial tcp|dial unix|timeout|deadline exceeded|connection refused|network is unreachable|no route to host|"
    "server misbehaving|connection reset|EOF|proxyconnect"
)
OF_THE_PULL = _words(
    "docker://|registry|manifest|blob|copying|too many requests"
)  # else buildah did not even begin
# Lines after which buildah only pauses and tries again: everything is known by then. The second it prints when debugging.
REPEATS = _words("Failed, retrying|Too many requests to")


@dataclass(frozen=True)
class Reach:
    """What pulls may connect to: not the host's own addresses, nor private ones, but for what is open (address and port)."""

    own: Collection[str] = ()
    opened: Collection[tuple[str, int]] = ()
    fenced: bool = True

    def closed(self, number: str, port: int) -> bool:
        """Whether the fence refuses the connection."""
        try:
            address = ipaddress.ip_address(number)
        except ValueError:
            return False
        private = not address.is_global or (address.version == 6 and address.is_site_local)
        return self.fenced and (private or number in self.own) and (number, port) not in self.opened


def problem_of(
    image: str, registry: str, said: str, reach: Reach, login: Login = Login.NONE
) -> AgentError | RegistrySilent:
    """What went wrong, from what buildah said. `login`: whose was used. A RegistrySilent may be stood in for."""
    if NO_SPACE.search(said):
        return NoSpace(f"{image}: no space left while it was pulled. Free disk space, then rebuild")
    if not OF_THE_PULL.search(said):
        return BuildError(
            f"{image} was not pulled: buildah does not work here. The agent's log has buildah's own message"
        )
    dialled = DIALLED.findall(said)  # what was tried last, in vain
    if dialled and "refused" in said and reach.closed(dialled[-1][0], int(dialled[-1][1])):
        return closed(registry)
    said = NAMES.sub("", said)
    return _silent(registry, said) or _refused(image, registry, said, login)


def closed(registry: str) -> RegistrySilent:
    """It is where pulls may not go."""
    return RegistrySilent(f"{registry} {CLOSED}", "allow it there (GALLEY_REGISTRIES)")


def _silent(registry: str, said: str) -> RegistrySilent | None:
    if LIMITS.search(said):
        return RegistrySilent(
            f"{registry} limits how much may be pulled (429 Too Many Requests)",
            "wait until it allows more",
            limits=True,
        )
    if NO_TLS.search(said):
        fix = f'name it in "insecure-registries" of the engine ({registry}), or give it a certificate'
        return RegistrySilent(f"{registry} answers without TLS", fix)
    if CERTIFICATE.search(said):
        fix = f"put the certificate of its authority into /etc/docker/certs.d/{registry}/ca.crt"
        return RegistrySilent(f"the TLS certificate of {registry} is not trusted", fix)
    if failed := FAILS.search(said):
        return RegistrySilent(f"{registry} fails ({failed[1]})")
    refused = SIGN_IN.search(said) or UNKNOWN.search(said) or MACHINE.search(said)
    return RegistrySilent(f"{registry} does not answer") if AWAY.search(said) and not refused else None


def _refused(image: str, registry: str, said: str, login: Login) -> ImageUnavailable:
    if MACHINE.search(said):
        return ImageUnavailable(
            f"{image} cannot be pulled: {registry} has it for other machines only. Choose a tag that is made for this one"
        )
    if SIGN_IN.search(said) and login is not Login.NONE:
        return ImageUnavailable(
            f"{image} cannot be pulled: {registry} refuses {PLACES[login]} (401 or 403), or does not have it. "
            "Correct its name, or renew the login"
        )
    if SIGN_IN.search(said):
        return SignInNeeded(
            f"{image} cannot be pulled: {registry} gives it only to those who sign in (401 or 403), or does not have it. "
            "Correct its name; for a private image, add a login (Settings, Registries, of the project or its workspace), put one into "
            "GALLEY_REGISTRY_AUTH_FILE, or load it on the agent's host (docker load)"
        )
    if UNKNOWN.search(said):
        return ImageUnavailable(
            f"{image} cannot be pulled: {registry} does not have it (404). Correct its name and {'digest' if '@' in image else 'tag'}"
        )
    return ImageUnavailable(
        f"{image} cannot be pulled: {registry} does not answer like a registry. Correct the registry's name; "
        "the agent's log has buildah's own message"
    )
