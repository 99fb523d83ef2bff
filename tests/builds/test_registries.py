"""Registries without any: the operator's settings, what may be reached, and what is said about a pull that failed."""

import asyncio
import ipaddress
import itertools
import os
import socket
import tomllib
from pathlib import Path

import pytest

from seatrial.agent import firewall
from seatrial.agent.builds.account import Account
from seatrial.agent.builds.registries import fence, progress
from seatrial.agent.builds.registries.answers import Reach, RegistrySilent, problem_of
from seatrial.agent.builds.registries.configuration import Configuration
from seatrial.agent.builds.registries.progress import Stalled, moving
from seatrial.agent.builds.registries.pull import hand_over
from seatrial.agent.engine.registries import Registries, registries_from
from seatrial.agent.settings import Settings
from seatrial.agent.vocabulary.addresses import Address, addresses_of
from seatrial.agent.vocabulary.errors import ImageUnavailable, NoSpace

SOURCE = "Error: initializing source docker://r.example/a:1: "
HOST = Reach({"192.0.2.2", "203.0.113.9", "8.8.8.8"}, {("10.1.1.1", 5000)})


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('Get "https://r.example/v2/": dial tcp: lookup r.example on 10.0.0.2:53: no such host', "does not answer"),
        ('Get "https://r.example/v2/": dial tcp 1.2.3.4:443: connect: connection refused', "does not answer"),
        ('Get "https://r.example/v2/": dial tcp 1.2.3.4:443: i/o timeout', "does not answer"),
        ('Get "https://r.example/v2/": dial tcp 10.1.1.1:5000: connect: connection refused', "does not answer"),
        ('Get "https://r.example/v2/": dial tcp 10.1.1.1:5001: connect: connection refused', "may not reach"),
        ('Get "https://r.example/v2/": dial tcp 8.8.8.8:443: connect: connection refused', "may not reach"),
        ('Get "http://r.example/t": dial tcp [::1]:80: connect: connection refused', "may not reach"),
        ('reading manifest 404 in r.example/denied/429: Get "https://r.example/v2/not found/": EOF', "does not answer"),
        ("reading manifest 1 in r.example/a: toomanyrequests: x", "429 Too Many Requests"),
        ('Get "https://r.example/v2/": x509: certificate signed by unknown authority', "certificate .* not trusted"),
        ("pinging: http: server gave HTTP response to HTTPS client", "answers without TLS"),
        ("pinging container registry r.example: invalid status code from registry 502 (Bad Gateway)", r"fails \(502\)"),
    ],
)  # fmt: skip
def test_what_may_be_stood_in_for(said: str, told: str) -> None:
    problem = problem_of("r.example/a:1", "r.example", SOURCE + said, HOST)
    assert isinstance(problem, RegistrySilent) and problem.fix
    with pytest.raises(RegistrySilent, match=f"r.example.*{told}|{told}.*|{told}"):
        raise problem


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("reading manifest 1 in r.example/a: manifest unknown: secret", r"does not have it \(404\). Correct its name and tag"),
        ("reading manifest 1 in r.example/a: unauthorized: secret", "only to those who sign in"),
        ("requested access to the resource is denied: secret", "only to those who sign in"),
        ("invalid status code from registry 403 (Forbidden)", "only to those who sign in"),
        ("choosing image instance: no image found in manifest list for architecture amd64", "other machines only"),
        ("unsupported schema version 0 secret", "does not answer like a registry"),
    ],
)  # fmt: skip
def test_what_is_the_repositorys_to_mend(said: str, told: str) -> None:
    problem = problem_of("r.example/a:1", "r.example", SOURCE + said, HOST)
    assert isinstance(problem, ImageUnavailable) and "secret" not in str(problem)
    with pytest.raises(ImageUnavailable, match=f"r.example/a:1 cannot be pulled: r.example .*{told}"):
        raise problem


def test_without_a_fence_nothing_is_called_closed() -> None:
    said = SOURCE + 'Get "https://r.example/v2/": dial tcp 10.1.1.1:5001: connect: connection refused'
    problem = problem_of("r.example/a:1", "r.example", said, Reach(fenced=False))
    assert str(problem) == "r.example does not answer"


def test_a_full_disk_is_not_blamed_on_the_registry() -> None:
    said = 'copying system image: writing blob: write /x: no space left on device: Get "https://r/": EOF'
    assert isinstance(problem_of("a:1", "r", said, HOST), NoSpace)


@pytest.mark.parametrize(
    "value", ["https://r.example", "r.example:0", "r.example:99999", "a/b", "-x", "[::1"]
)
def test_a_setting_that_is_no_address_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="Write host or host:port"):
        Settings(galley_registries=value)


def test_the_setting_names_hosts_and_ports() -> None:
    settings = Settings(galley_registries="r.example, 10.0.0.7:5000 [::1]:5000")
    assert settings.registries == (Address("r.example", 443), Address("10.0.0.7", 5000), Address("::1", 5000))
    assert Settings().registries == ()


INFORMATION = {
    "RegistryConfig": {
        "Mirrors": ["https://mirror.example/hub/", "http://10.0.0.5:5000/"],
        "IndexConfigs": {
            "docker.io": {"Secure": True},
            "old.example:5000": {"Secure": False},
            "older.example": {"Secure": False},
        },
        "InsecureRegistryCIDRs": ["127.0.0.0/8", "10.7.0.0/16"],
    },
    "HttpsProxy": "http://proxy.example:3128",
    "NoProxy": "localhost",
}


async def test_the_engines_settings_count(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    known = Configuration(registries_from(INFORMATION), (Address("10.0.0.9", 443),))
    hub = tomllib.loads(await known.file("python:3"))["registry"][0]
    assert hub["location"] == "docker.io"
    assert [(m["location"], m["insecure"]) for m in hub["mirror"]] == [
        ("mirror.example/hub", False),
        ("10.0.0.5:5000", True),
    ]
    for image, insecure in (
        ("old.example:5000/a:1", True),
        ("10.7.1.1:80/a:1", True),
        ("localhost:5000/a:1", True),
        ("10.8.1.1/a:1", False),
    ):
        listed = tomllib.loads(await known.file(image))["registry"]
        assert listed == [{"location": image.split("/")[0], "insecure": insecure}]
    assert known.proxies() == {"HTTPS_PROXY": "http://proxy.example:3128", "NO_PROXY": "localhost"}
    assert known.opened() == [
        Address("10.0.0.9", 443),
        Address("old.example", 5000),
        Address("older.example", 443),
        Address("older.example", 80),
        Address("mirror.example", 443),
        Address("10.0.0.5", 5000),
        Address("proxy.example", 3128),
    ]


async def test_a_name_that_nobody_knows_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)

    async def look(host: str, *_: object, **__: object) -> list[object]:
        if host != "known.example":
            raise socket.gaierror("not known")
        return []

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look)
    plain, proxied = Configuration(Registries(), ()), Configuration(registries_from(INFORMATION), ())
    assert [await plain.leads_nowhere(i) for i in ("python:3", "r.example:5000/a:1")] == [True, True]
    assert not await plain.leads_nowhere("known.example/a:1")
    assert not await proxied.leads_nowhere("python:3")
    mirrored = Configuration(Registries(mirrors=("https://mirror.example",)), ())
    assert [await mirrored.leads_nowhere(i) for i in ("python:3", "r.example/a:1")] == [False, True]


async def test_an_engine_without_settings_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert Configuration(Registries(insecure_networks=("127.0.0.0/8",)), ()).opened() == []
    assert registries_from({}) == Registries()


def test_every_closed_network_is_called_closed() -> None:
    for network in (*fence.PRIVATE[firewall.IPV4], *fence.PRIVATE[firewall.IPV6]):
        inside = ipaddress.ip_network(network)[1 if "/128" not in network else 0]
        assert Reach().closed(str(inside), 443) or inside.is_multicast


def test_what_the_operator_allows_comes_before_what_is_closed() -> None:
    for program in (firewall.IPV4, firewall.IPV6):
        rules = fence.rules(program)
        first_closed = next(n for n, rule in enumerate(rules) if "REJECT" in rule)
        assert rules.index(("-j", fence.ALLOWED)) < first_closed
        assert ("-o", "lo", "-j", "REJECT") in rules


async def test_a_pull_that_brings_nothing_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(Stalled):
        await moving(asyncio.Event().wait(), tmp_path, 0.01)


async def test_a_pull_goes_on_while_something_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes, done = itertools.count(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def more(_: Path) -> int:
        size = next(sizes)
        if size == 5:
            loop.call_soon_threadsafe(done.set)
        return size

    monkeypatch.setattr(progress, "size_of", more)
    assert await moving(done.wait(), tmp_path, 0.01)
    assert next(sizes) > 5


def test_certificates_of_registries_are_handed_over(tmp_path: Path) -> None:
    known, target = tmp_path / "known", tmp_path / "home/.config/containers/certs.d"
    (known / "r.example:5000").mkdir(parents=True)
    for name in ("ca.crt", "client.cert", "client.key", "notes.txt"):
        (known / "r.example:5000" / name).write_text(name)
    hand_over(known, target, Account("me", os.geteuid(), os.getegid(), other=False))
    given = target / "r.example:5000"
    assert sorted(file.name for file in given.iterdir()) == ["ca.crt", "client.cert", "client.key"]
    assert (given / "client.key").stat().st_mode & 0o777 == 0o400


def test_closed_and_open_addresses_are_distinguished() -> None:
    assert addresses_of("") == ()
    assert [one.literal for one in addresses_of("10.0.0.1,r.example,[::1]:1")] == [True, False, True]
