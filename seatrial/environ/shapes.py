"""The kinds of values that settings have. A check never repeats the value: it may be a secret in the wrong variable."""

import ipaddress
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, HttpUrl, SecretStr, ValidationError

from seatrial.environ.wanted import Between, Verbatim, Wanted

HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.(?!-)[a-z0-9_-]{1,63})*\.?", re.IGNORECASE)
POSTGRES_NAME = re.compile(r"[^\s/:@'\"\x00]{1,63}")
CLIENT = re.compile(r"[\x21-\x7e]{1,512}")
BUS = ("nats", "tls", "ws", "wss")
ENGINE = ("unix", "tcp", "http", "https")
BUILDKIT = ("unix", "tcp", "docker-container")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
IMAGE = re.compile(
    r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?(?::\d{1,5})?(?:/[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)
# How the secrets of applications begin, and ids of applications end or begin: what is swapped is found by them.
SECRETS = ("gloas-", "gto_", "GOCSPX-", "glpat-", "ghp_", "github_pat_")
IDS = re.compile(r"\S+\.apps\.googleusercontent\.com|(?:Iv1\.|Iv23|Ov23)\w{10,}")


def server(like: str) -> Callable[[str], str]:
    """The address of a server: scheme, host, port and path, without a slash at its end; or nothing."""
    fix = f"write it like {like}, without name, password, query or fragment"

    def check(text: str) -> str:
        if not text:
            return ""
        url = _http(text, fix)
        plain = HttpUrl.build(
            scheme=url.scheme, host=url.host or "", port=url.port, path=(url.path or "").lstrip("/")
        )
        if str(plain) != str(url):
            raise ValueError(f"more than the address of a server: {fix}")
        return str(url).rstrip("/")

    return check


def origin(text: str) -> str:
    """The address as browsers write it in the header `Origin`, which is compared with it."""
    fix = "write it like https://seatrial.example.com, with scheme and host and without a path"
    url = _http(text, fix)
    plain = str(HttpUrl.build(scheme=url.scheme, host=url.host or "", port=url.port))
    if str(url) != plain:
        raise ValueError(f"more than the address of a server: {fix}")
    return plain.rstrip("/")


def _http(text: str, fix: str) -> HttpUrl:
    try:
        url = HttpUrl(text)
    except ValidationError:
        raise ValueError(f"not an address: {fix}") from None
    if not is_host((url.host or "").strip("[]")) or re.search(r"[\s'\"\\]", text):
        raise ValueError(f"not an address: {fix}")
    return url


def is_host(text: str) -> bool:
    """Whether the text is a host's name or its IP address, alone."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return len(text) <= 253 and HOST.fullmatch(text) is not None
    return True


def is_here(address: str) -> bool:
    """Whether an address leads back to the machine that uses it."""
    host = (urlsplit(address).hostname or "").rstrip(".")
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return ip.is_loopback or ip.is_unspecified


def _schemes(schemes: tuple[str, ...], like: str, *, several: bool = False) -> Callable[[str], str]:
    def check(text: str) -> str:
        for one in filter(None, map(str.strip, text.split(",") if several else [text])):
            parts = urlsplit(one)
            try:
                there = (
                    parts.path.startswith("/") if parts.scheme == "unix" else is_host(parts.hostname or "")
                )
                _ = parts.port
            except ValueError:
                there = False
            if parts.scheme not in schemes or not there or re.search(r"[\s'\"]", one):
                raise ValueError(f"not an address. Write it like {like}")
        return text

    return check


def _host_or_directory(text: str) -> str:
    if not text or text.startswith("/") or is_host(text):
        return text
    if is_host(text.rpartition(":")[0]):
        raise ValueError("a host with its port. Write the host alone, and the port into DB_PORT")
    raise ValueError("not a host, or the directory of a socket. Write it like db.example.com")


def domain(text: str) -> str:
    """The name below which previews answer."""
    if text.startswith("*."):
        raise ValueError("write it without `*.`, like preview.example.com")
    try:
        HttpUrl(f"http://{text}")
    except ValidationError:
        raise ValueError("not a domain. Write it like preview.example.com") from None
    name = (HttpUrl(f"http://{text}").host or "").rstrip(".")
    if not is_host(name) or re.search(r"[/:@?#\s]", text):
        raise ValueError(
            "not a domain alone. Write it like preview.example.com, without scheme, port and path"
        )
    return name


def _hosts(text: str) -> str:
    for number, one in enumerate(filter(None, map(str.strip, text.split(","))), 1):
        if one != "*" and not is_host(one.removeprefix(".").strip("[]")):
            raise ValueError(
                f"number {number} is not the name of a host. Write them like seatrial.example.com, without scheme and port"
            )
    return text


def _path(value: object) -> object:
    """From the root, because a service's working directory is nobody's."""
    if value is None:
        return None
    text = str(value) if isinstance(value, (str, Path)) else ""
    if (
        not text.startswith("/")
        or text.startswith("//")
        or "\x00" in text
        or "\n" in text
        or len(text) > 4096
    ):
        raise ValueError("not the path of a file. Write it from the root, like /etc/seatrial/ca.pem")
    return value


def _authorities(value: object) -> object:
    """Whether the file is there and what is in it is found when it is used."""
    if "://" in str(value):
        raise ValueError("an address, not the path of a file. Write it like /etc/seatrial/ca.pem")
    return value


def _key(value: object) -> object:
    text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    if re.match(r"[a-z][a-z0-9+.-]*://", text, re.IGNORECASE):
        raise ValueError("an address, not a secret: it is swapped with another variable. Put the secret here")
    if text[:1] in {"'", '"'}:
        raise ValueError("it begins with a quote that does not end it. Write it without quotes")
    if "\n" in text or "\x00" in text:
        raise ValueError("more than one line. Write it in one")
    return value


def beginning(prefix: str) -> Callable[[object], object]:
    """A token of ours. Another secret in this variable would be sent to where this one goes."""

    def check(value: object) -> object:
        text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        if text and not text.startswith(prefix):
            raise ValueError(
                f"no bootstrap token: those begin with {prefix}. Make one (POST /api/v1/agents) and put it here"
            )
        return value

    return check


def tag(text: str) -> str:
    """As the engine allows it for images."""
    if text and TAG.fullmatch(text) is None:
        raise ValueError("not a tag. Write it like 1.4.0: letters, digits, dots, hyphens and underscores")
    return text


def word(text: str) -> str:
    """One word of letters and digits."""
    if text and re.fullmatch(r"[A-Za-z0-9_.-]+", text) is None:
        raise ValueError("not one word. Write it like cloudflare")
    return text


def image(text: str) -> str:
    """As the engine names images."""
    if text and IMAGE.fullmatch(text) is None:
        raise ValueError("not the name of an image. Write it like registry.example.com/postgres:15")
    return text


def _client_id(text: str) -> str:
    if text.startswith(SECRETS):
        raise ValueError(
            "a secret, not an id: it is swapped with the client secret. Put the application's id here"
        )
    if text and (CLIENT.fullmatch(text) is None or "://" in text):
        raise ValueError("not the id of an application. Copy it from the application's page at the provider")
    return text


def _client_secret(value: object) -> object:
    text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    if IDS.fullmatch(text):
        raise ValueError(
            "an id, not a secret: it is swapped with the client id. Put the application's secret here"
        )
    if text and CLIENT.fullmatch(text) is None:
        raise ValueError(
            "not the secret of an application. Copy it from the application's page at the provider"
        )
    return _key(value)


def _postgres_name(text: str) -> str:
    if POSTGRES_NAME.fullmatch(text) is None:
        raise ValueError(
            "not a name of PostgreSQL. Write it like seatrial (with Compose: POSTGRES_USER and POSTGRES_DB in .env)"
        )
    return text


def _one_of(*words: str) -> Callable[[str], str]:
    """In whatever letters it is written."""

    def check(text: str) -> str:
        word = next((one for one in words if one.lower() == text.lower()), None)
        if word is None:
            raise ValueError(f"write one of {', '.join(filter(None, words))}")
        return word

    return check


def _copies(value: int) -> int:
    """Odd: of four nodes one may be gone, as of three."""
    if value not in {1, 3, 5}:
        raise ValueError("write 1, 3 or 5")
    return value


def _exactly(value: object) -> object:
    """`True` or `False` in exactly these letters: a switch that is misspelt must not count as one or the other."""
    if value is None or isinstance(value, bool):
        return value
    if value not in {"True", "False"}:
        raise ValueError("write True or False, in exactly these letters")
    return value == "True"


Port = Annotated[int, Between(1, 65535, "a port", like="3000")]
MaybePort = Annotated[int | None, Between(1, 65535, "a port", like="8443")]
ForgeAddress = Annotated[
    str,
    AfterValidator(server("https://git.example.com")),
    Wanted("the address of a server", "https://git.example.com"),
]
Address = Annotated[
    str, AfterValidator(server("http://host:3000")), Wanted("the address of a server", "http://host:3000")
]
Origin = Annotated[
    str, AfterValidator(origin), Wanted("the address of a server", "https://seatrial.example.com")
]
bus_addresses = _schemes(BUS, "nats://bus:4222", several=True)
BusAddress = Annotated[
    str,
    AfterValidator(bus_addresses),
    Wanted("an address of the bus, or several with commas between", "nats://bus:4222"),
]
Copies = Annotated[int, AfterValidator(_copies), Wanted("1, 3 or 5", "3")]
EngineAddress = Annotated[
    str,
    AfterValidator(_schemes(ENGINE, "unix:///var/run/docker.sock")),
    Wanted("the address of an engine", "unix:///var/run/docker.sock"),
]
BuildKitAddress = Annotated[
    str,
    AfterValidator(_schemes(BUILDKIT, "unix:///run/galley-buildkit/buildkitd.sock")),
    Wanted("the address of a BuildKit", "unix:///run/galley-buildkit/buildkitd.sock"),
]
DatabaseHost = Annotated[
    str,
    AfterValidator(_host_or_directory),
    Wanted("a host, or the directory of a socket", "db.example.com"),
]
DatabaseName = Annotated[str, AfterValidator(_postgres_name), Wanted("a name of PostgreSQL", "seatrial")]
Domain = Annotated[str, AfterValidator(domain), Wanted("a domain", "preview.example.com")]
Hosts = Annotated[
    str, AfterValidator(_hosts), Wanted("names of hosts with commas between", "seatrial.example.com")
]
FilePath = Annotated[
    Path | None, BeforeValidator(_path), Wanted("the path of a file, from the root", "/etc/seatrial/ca.pem")
]
Authorities = Annotated[
    Path | None, BeforeValidator(_authorities), Wanted("the path of a PEM file", "/etc/seatrial/ca.pem")
]
Directory = Annotated[
    Path, BeforeValidator(_path), Wanted("the path of a directory, from the root", "/var/lib/galley")
]
Key = Annotated[
    SecretStr, BeforeValidator(_key), Wanted("a secret in one line", "what `openssl rand -hex 32` prints")
]
Password = Annotated[SecretStr, Verbatim(), Wanted("a password", "what `openssl rand -hex 24` prints")]
ClientId = Annotated[
    str, AfterValidator(_client_id), Wanted("the id of an application", "what the provider shows")
]
ClientSecret = Annotated[
    SecretStr,
    BeforeValidator(_client_secret),
    Wanted("the secret of an application", "what the provider shows"),
]
Tag = Annotated[str, AfterValidator(tag), Wanted("a tag of an image", "1.4.0")]
Word = Annotated[str, AfterValidator(word), Wanted("one word", "cloudflare")]
Image = Annotated[
    str, AfterValidator(image), Wanted("the name of an image", "registry.example.com/postgres:15")
]
Switch = Annotated[
    bool | None, BeforeValidator(_exactly), Wanted("True or False, in exactly these letters", "True")
]
YesNo = Annotated[bool, Wanted("True or False", "True")]
LogLevel = Annotated[
    str,
    AfterValidator(_one_of("DEBUG", "INFO", "WARNING", "ERROR")),
    Wanted("one of DEBUG, INFO, WARNING, ERROR", "INFO"),
]
LogFormat = Annotated[
    str, AfterValidator(_one_of("json", "console", "auto")), Wanted("one of json, console, auto", "auto")
]
SslMode = Annotated[
    str,
    AfterValidator(_one_of("", "disable", "require", "verify-ca", "verify-full")),
    Wanted("one of disable, require, verify-ca, verify-full", "verify-full"),
]
Scheme = Annotated[str, AfterValidator(_one_of("http", "https")), Wanted("http or https", "https")]
