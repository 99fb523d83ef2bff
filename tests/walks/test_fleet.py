"""docs/install/fleet.md, typed on three hosts: TLS for the bus, an agent on a host of its own with its doors, a bus of three nodes in
containers, and one of them killed while merge requests come in."""

import json
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from e2e.repositories import commit, static
from scripts.images.making import OURS
from tests.deploy.conftest import images
from tests.deploy.installation import COMPOSE, NOT_YET
from tests.engines import require
from tests.forges.hosts.site import Hosted, Pull
from tests.repositories import git
from tests.waiting import eventually
from tests.walks import code_host, host
from tests.walks.code_host import PERSON, CodeHost
from tests.walks.host import Host
from tests.walks.office import HERE, HOST, INSIDE, Office, entered
from tests.walks.page import Page
from tests.walks.people import Admin, admin_of, outcome

__all__ = ["images"]

pytestmark = [pytest.mark.walk, pytest.mark.docker, pytest.mark.gvisor, pytest.mark.timeout(7200)]
SITE = f"https://galley.{INSIDE}"
SHOP = "acme/web/shop"
ADDRESSES = {"one": HOST, "two": "10.77.0.11", "three": "10.77.0.12"}
PRINTED = {"one": "10.0.0.5", "two": "10.0.0.7"}  # on the page
DOORS = range(20000, 30000)


@dataclass
class Fleet:
    """Three hosts with the folder /opt/galley and a certificate each; `tag` and `lines` are of the images that they have."""

    hosts: Mapping[str, Host]
    tag: str
    lines: Sequence[str]

    def __getitem__(self, name: str) -> Host:
        return self.hosts[name]

    def ours(self, text: str, *, here: str = "one", token: str = "") -> str:
        """What the page says, with our names and addresses in place of its."""
        text = text.replace("seatrial.example.com", f"galley.{INSIDE}").replace("example.com", INSIDE)
        text = text.replace("TAG=1.4.0", f"TAG={self.tag}").replace("galley_...", token)
        text = re.sub(
            "GALLEY_BUS_(NAME|BIND)=.*",
            lambda found: f"GALLEY_BUS_{found[1]}={here if found[1] == 'NAME' else ADDRESSES[here]}",
            text,
        )
        for name, printed in PRINTED.items():
            text = text.replace(printed, ADDRESSES[name])
        return text

    def add(self, name: str, lines: str) -> None:
        """To `.env` of that host, in place of what was said of the same."""
        file = self[name].path("/opt/galley/.env")
        known = file.read_text().splitlines() if file.exists() else []
        new = [line for line in lines.splitlines() if line]
        said = {line.split("=")[0] for line in new}
        kept = [line for line in known if line.split("=")[0] not in said]
        file.write_text("\n".join([*kept, *new]) + "\n")


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with pytest.MonkeyPatch.context() as patch, entered(patch) as office:
        office.names = {f"bus-{n}.{INSIDE}": address for n, address in enumerate(ADDRESSES.values(), 1)}
        office.names[f"bus.{INSIDE}"] = HOST
        yield office


@pytest.fixture
def saved(tmp_path: Path, images: Mapping[str, str]) -> Mapping[str, Path]:
    """What each host loads: no registry answers here."""
    require("gvisor")
    bus, proxy = images["GALLEY_BUS_IMAGE"], images["GALLEY_ENGINE_PROXY_IMAGE"]
    ours = [f"{one}:{images['TAG']}" for one in OURS]
    others = [value for name, value in images.items() if name.endswith("_IMAGE")]
    agents = [one for one in ours if not one.startswith("galley-server")]
    wanted = {"one": [*ours, *others], "two": [*agents, bus, proxy], "three": [bus]}
    for name, listed in wanted.items():
        subprocess.run(["docker", "save", "--output", str(tmp_path / f"{name}.tar"), *listed], check=True)
    return {name: tmp_path / f"{name}.tar" for name in wanted}


@pytest.fixture
def gitlab(
    saved: Mapping[str, Path], office: Office, authority: trustme.CA, tmp_path: Path
) -> Iterator[CodeHost]:
    with code_host.serving(tmp_path / "gitlab", authority) as site:
        yield site


@pytest.fixture
def fleet(
    gitlab: CodeHost,
    office: Office,
    saved: Mapping[str, Path],
    authority: trustme.CA,
    images: Mapping[str, str],
    tmp_path: Path,
) -> Iterator[Fleet]:
    with ExitStack() as stack:
        hosts = {}
        for number, (name, address) in enumerate(ADDRESSES.items(), 1):
            (root := tmp_path / name).mkdir()
            connect = partial(office.connect, address=address)
            hosts[name] = one = stack.enter_context(host.running(root, connect, HERE))
            shutil.copytree(COMPOSE.parent, one.path("/opt/galley"))
            authority.cert_pem.write_to_path(str(one.path("/etc/ssl/ca.pem")))
            certified(one, "/etc/galley/bus", authority, f"bus-{number}.{INSIDE}", f"bus.{INSIDE}")
            authority.cert_pem.write_to_path(str(one.path("/etc/galley/bus/ca.crt")))
            saved[name].rename(root / "home/images.tar")
            one.types("docker load -i images.tar && rm images.tar\ncd /opt/galley")
        certified(hosts["one"], "/etc/ssl/galley", authority, f"galley.{INSIDE}", f"*.preview.{INSIDE}")
        yield Fleet(hosts, images["TAG"], [f"{name}={value}" for name, value in images.items()])


def certified(one: Host, folder: str, authority: trustme.CA, *names: str) -> None:
    """Certificate and key, as an operator puts them there."""
    one.path(folder).mkdir(parents=True)
    own = authority.issue_cert(*names)
    (one.path(folder) / "tls.crt").write_bytes(b"".join(pem.bytes() for pem in own.cert_chain_pems))
    own.private_key_pem.write_to_path(str(one.path(folder) / "tls.key"))


@pytest.fixture
def page() -> Page:
    return Page("docs/install/fleet.md", "fleet")


def test_from_one_host_to_a_fleet(
    page: Page, fleet: Fleet, gitlab: CodeHost, authority: trustme.CA, tmp_path: Path
) -> None:
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    password = started(page, fleet)
    source = static(tmp_path / "shop", "version one")
    hosted = gitlab.repository(SHOP, source, admin=code_host.BOT)
    with admin_of(SITE, password, verify=trusting) as admin:
        joined(page, fleet, admin)
        admin.put_under_trial(gitlab, SHOP)
        pull = gitlab.open_pull(SHOP, "feature", author=PERSON, title="Add a cart")
        url = outcome(hosted, pull)
        assert visited(url, trusting) == "version one"
        behind_doors(fleet)

        clustered(page, fleet)
        eventually(
            lambda: online(admin) == {"local", "two"},
            what="both agents are back",
            seconds=600,
            not_yet=NOT_YET,
        )
        eventually(lambda: nodes(admin) == "", what="three nodes are well", seconds=600, not_yet=NOT_YET)
        assert visited(url, trusting) == "version one"
        killed_under_load(fleet, admin, gitlab, hosted, source)
        git(source, "checkout", "-q", "feature")
        commit(source, {"www/index.html": "version two"})
        gitlab.push(SHOP, source, "feature")
        assert visited(outcome(hosted, pull), trusting) == "version two"
    assert page.untyped == []


def visited(url: str, trusting: ssl.SSLContext) -> str:
    """What a preview shows to somebody who trusts the organisation."""
    return httpx.get(url, trust_env=False, timeout=60, verify=trusting).text


def started(page: Page, fleet: Fleet) -> str:
    """One host, whose bus others may reach; returns the admin's password."""
    one = fleet["one"]
    one.types(
        f"(umask 077; docker run --rm -v /etc/ssl/ca.pem:/etc/ssl/ca.pem:ro galley-server:{fleet.tag} init --kind one-host "
        f'--site-url {SITE} --preview-domain preview.{INSIDE} --forge "gitlab https://gitlab.{INSIDE}" --ca-file /etc/ssl/ca.pem > .env)'
    )
    fleet.add("one", "\n".join(["GALLEY_TLS_DIR=/etc/ssl/galley", *fleet.lines]))
    owned = page["chown -R root:10001"]
    for each in fleet.hosts.values():
        each.types(owned)
    fleet.add("one", fleet.ours(page["GALLEY_BUS_BIND=10.0.0.5\nGALLEY_NATS_URL"]))
    one.types("docker compose up -d")
    one.follows("docker compose logs -f galley-server", "web started")
    return next(
        line.split("=", 1)[1]
        for line in one.path("/opt/galley/.env").read_text().splitlines()
        if line.startswith("SEATRIAL_ADMIN_PASSWORD=")
    )


def joined(page: Page, fleet: Fleet, admin: Admin) -> None:
    """The agent of the second host, which gets all work from now on."""
    made = admin.post("/agents", {"name": "two"})
    lines = fleet.ours(page["GALLEY_AGENT_ADDRESS="], token=made["token"])
    fleet.add("two", "\n".join([lines, "GITGRIT_CUSTOM_CA_FILE_PATH=/etc/ssl/ca.pem", *fleet.lines]))
    fleet["two"].types(page["galley-agent-alone\n"])
    try:
        eventually(
            lambda: online(admin) == {"local", "two"}, what="it is online", seconds=600, not_yet=NOT_YET
        )
    except AssertionError as error:
        error.add_note(fleet["two"].tries("docker compose logs galley-agent-alone").text)
        raise
    fleet["one"].types("docker compose stop galley-agent")
    eventually(lambda: online(admin) == {"two"}, what="the first host's is not", seconds=600, not_yet=NOT_YET)


def agents(admin: Admin) -> list[dict[str, Any]]:
    listed = admin.get("/agents")
    return list(listed["items"] if isinstance(listed, dict) else listed)


def online(admin: Admin) -> set[str]:
    """The names of the agents that are there."""
    return {one["name"] for one in agents(admin) if one["state"] == "online"}


def behind_doors(fleet: Fleet) -> None:
    """The preview is on the second host, and nobody but the ingress finds its door."""
    previews = [name for name in fleet["two"].containers() if name.startswith("galley-pr-")]
    assert previews and not [name for name in fleet["one"].containers() if name.startswith("galley-pr-")]
    doors = json.loads(fleet["two"].types("cat /var/lib/galley/doors.json"))
    numbers = [int(number) for number in re.findall(r"\b2\d{4}\b", json.dumps(doors))]
    assert numbers and all(number in DOORS for number in numbers)
    for number in numbers:
        with pytest.raises(OSError), socket.create_connection((ADDRESSES["two"], number), timeout=3):
            pass
        fleet["one"].types(f"exec 3<>/dev/tcp/{ADDRESSES['two']}/{number}")


def clustered(page: Page, fleet: Fleet) -> None:
    """A bus of three."""
    one, two, three = fleet.hosts.values()
    one.types(page["nats-auth.conf > nats-auth.conf"])
    for other in (two, three):
        shutil.copy(one.path("/opt/galley/nats-auth.conf"), other.path("/opt/galley/bus/nats-auth.conf"))
    for name in fleet.hosts:
        fleet.add(name, fleet.ours(page["GALLEY_NATS_REPLICAS=3\n"], here=name))
    fleet.add("three", fleet.ours(page["TAG=1.4.0\nSITE_URL"]))
    fleet.add("three", "\n".join(fleet.lines))
    alone, first = page["--no-deps galley-bus-alone"], page.exactly("docker compose up -d\n")
    for other in (two, three):
        other.types(alone)
    one.types(first)
    two.types(page["galley-agent-alone\n"])


def nodes(admin: Admin) -> str:
    """What is said of the bus."""
    return " ".join(one for one in admin.get("/status")["platform"]["warnings"] if "bus" in one.lower())


def killed_under_load(fleet: Fleet, admin: Admin, gitlab: CodeHost, hosted: Hosted, source: Path) -> None:
    """Merge requests come in; the third node is killed and stays away, then comes back, and the first is killed as well."""
    bus = "galley-galley-bus-alone-1"
    pulls = [came_in(gitlab, source, number) for number in range(2)]
    fleet["three"].types(f"docker kill {bus}")
    pulls += [came_in(gitlab, source, number) for number in range(2, 4)]
    for pull in pulls:
        outcome(hosted, pull)
    eventually(lambda: "three" in nodes(admin), what="the node that is away is named", not_yet=NOT_YET)

    fleet["three"].types("docker compose up -d --no-deps galley-bus-alone")
    eventually(lambda: nodes(admin) == "", what="three nodes are well again", seconds=600, not_yet=NOT_YET)
    pulls = [came_in(gitlab, source, number) for number in range(4, 6)]
    fleet["one"].types("kill -9 $(docker inspect --format '{{.State.Pid}}' galley-bus-1)")
    for pull in pulls:
        outcome(hosted, pull)


def came_in(gitlab: CodeHost, source: Path, number: int) -> Pull:
    """One merge request more."""
    branch = f"load-{number}"
    git(source, "checkout", "-q", "-b", branch)
    commit(source, {"www/index.html": branch})
    gitlab.push(SHOP, source, branch)
    return gitlab.open_pull(SHOP, branch, author=PERSON, title=f"Load {number}")
