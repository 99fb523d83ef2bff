"""What operators do to an install with Compose that nobody told them to: `up` twice, `down -v` in the middle, a second stack, a disk that
is full.

Each ends in a sentence, or in nothing at all; nothing is lost that was not asked to go; a second try succeeds.
"""

import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest
import trustme

from e2e.repositories import static
from scripts.images.making import OTHERS, OURS
from tests.deploy.conftest import authority, images
from tests.deploy.installation import NOT_YET, PORTS, Installation, Person
from tests.deploy.test_one_host import BOT, DOCKERFILE, SHOP, building, done
from tests.engines import require
from tests.forges.hosts.gitea import ForgejoSite
from tests.waiting import eventually
from tests.walks import host
from tests.walks.host import Host

__all__ = ["authority", "images"]

pytestmark = [pytest.mark.walk, pytest.mark.docker, pytest.mark.gvisor, pytest.mark.timeout(7200)]
DUMP = ("exec", "-T", "postgres", "sh", "-c", 'pg_dump -U "$POSTGRES_USER" "$POSTGRES_DB"')
UP = ("up", "--detach", "--wait", "--wait-timeout", "1200")
ROOM, TAKEN = 700 * 1024**2, "/var/lib/docker/taken"
LATE = "certificates_served"  # a table that does not come first
SLEEPER = "987651"
SLOW = f'FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox", "sleep", "{SLEEPER}"]\n'
# Another project with the volumes of the first, as whoever copies a folder and keeps the data may write it.
SHARED = """\
volumes:
  galley-db: {{external: true, name: {first}_galley-db}}
  galley-keys: {{external: true, name: {first}_galley-keys}}
  galley-bus: {{external: true, name: {first}_galley-bus}}
"""


@contextmanager
def installed(
    folders: pytest.TempPathFactory, images: Mapping[str, str], authority: trustme.CA, **more: str
) -> Iterator[Installation]:
    """The files of an install that knows the organisation's authority; nothing runs yet, and nothing is left."""
    require("docker")
    folder = folders.mktemp("hard")
    for path in (folder, *folder.parents[:2]):
        path.chmod(0o755)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    known = {"GITGRIT_CUSTOM_CA_FILE_PATH": str(folder / "ca.pem"), **more}
    installation = Installation(folder, images, more=known)
    try:
        yield installation
    finally:
        installation.down()


@pytest.fixture
def installation(
    tmp_path_factory: pytest.TempPathFactory, images: Mapping[str, str], authority: trustme.CA
) -> Iterator[Installation]:
    with installed(tmp_path_factory, images, authority) as one:
        yield one


def agent(installation: Installation) -> str:
    """The id of the only agent, once it is online."""
    person = installation.signed_in()
    with closing(person.client):
        return str(person.online()["id"])


def containers(installation: Installation) -> set[str]:
    return set(installation.compose("ps", "--quiet").split())


def test_up_twice_and_all_of_it_removed_and_up_again(installation: Installation) -> None:
    installation.compose("create")
    installation.compose("start", "galley-setup", "postgres")
    installation.down()  # in the middle of the first start
    installation.compose(*UP)
    first, running = agent(installation), containers(installation)

    installation.compose(*UP)
    assert containers(installation) == running, "nothing that runs is made anew"
    assert agent(installation) == first

    # All data is gone, and the agent's own directory is on the host: it has a credential of a bus that is no more.
    installation.kill("galley-agent")
    installation.down()
    installation.compose(*UP)
    second = eventually(lambda: agent(installation), what="the agent has joined again", not_yet=NOT_YET)
    assert second != first
    assert "registered anew" in installation.compose("logs", "galley-agent", "--no-color")


def test_a_disk_that_is_full_ends_a_dump_with_a_sentence_and_the_next_is_whole(
    installation: Installation, tmp_path: Path
) -> None:
    installation.compose("up", "--detach", "--wait", "postgres")
    full = installation.run("compose", *DUMP, into=Path("/dev/full"))
    assert full.returncode != 0 and "write /dev/stdout: no space left on device" in full.stderr
    assert installation.run("compose", *DUMP, into=tmp_path / "whole.sql").returncode == 0
    assert "PostgreSQL database dump complete" in (tmp_path / "whole.sql").read_text()


def asked(installation: Installation, question: str) -> str:
    """What the database answers."""
    query = ("exec", "-T", "postgres", "psql", "-At", "-U", "galley", "galley", "-c", question)
    return installation.run("compose", *query).stdout.strip()


def test_all_of_it_removed_in_the_middle_of_a_migration_and_of_a_build(
    installation: Installation, authority: trustme.CA, tmp_path: Path
) -> None:
    installation.compose("create")
    installation.compose("up", "--detach", "--wait", "postgres", "bus")
    held_up(installation)
    installation.compose("start", "galley-server")
    eventually(lambda: f'CREATE TABLE "{LATE}"' in waiting(installation), what="a migration is under way")
    installation.down()

    installation.compose(*UP)
    first = agent(installation)
    with forge(installation, authority, tmp_path / "first") as site:
        under_way(installation, site, tmp_path / "slow")
        installation.down()
    eventually(lambda: not sleepers(), what="nothing goes on being built")

    installation.compose(*UP)
    second = eventually(lambda: agent(installation), what="the agent has joined again", not_yet=NOT_YET)
    assert second != first
    with forge(installation, authority, tmp_path / "second") as site:
        assert installation.visit(shown(installation, site, tmp_path / "quick")).text == "version one"
    installation.down()
    for one in (first, second):  # what an agent leaves, once it is no more
        removed(one)


def held_up(installation: Installation) -> None:
    """Have somebody make one of the tables without coming to an end: who makes all of them waits for that, in the middle."""
    slow = ("BEGIN", f"CREATE TABLE {LATE} ()", "SELECT pg_sleep(3600)")
    said = [word for statement in slow for word in ("-c", statement)]
    installation.compose("exec", "--detach", "postgres", "psql", "-U", "galley", "galley", *said)
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    eventually(lambda: asked(installation, sleeping) == "1", what="somebody makes a table")


def waiting(installation: Installation) -> str:
    """What waits for somebody else in the database."""
    return asked(installation, "SELECT query FROM pg_stat_activity WHERE wait_event_type = 'Lock'")


def tables(installation: Installation) -> list[str]:
    """Of the product."""
    return asked(installation, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'").splitlines()


@contextmanager
def forge(installation: Installation, authority: trustme.CA, folder: Path) -> Iterator[ForgejoSite]:
    """A code host that containers and the host reach at one address."""
    network = f"{installation.project}_control"
    template = "{{(index .IPAM.Config 0).Gateway}}"
    gateway = installation.run("network", "inspect", "--format", template, network).stdout.strip()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(gateway).configure_cert(context)
    site = ForgejoSite(folder)
    site.private_receivers = True
    for login in (BOT, "ann"):
        site.person(login)
    with site.serving(context=context, host=gateway):
        yield site


def connected(person: Person, site: ForgejoSite, source: Path) -> None:
    """A project whose repository is `source`."""
    hosted = site.repository(SHOP, source, admin=BOT)
    secret = site.people[BOT].token
    asked = {"forge": "gitea", "base_url": site.url, "name": "Forgejo", "credential": secret}
    connection = person.post("/connections", asked)
    person.post(f"/connections/{connection['id']}/projects", {"repositories": [SHOP]})
    eventually(lambda: hosted.webhooks, what="the webhook is registered")


def under_way(installation: Installation, site: ForgejoSite, folder: Path) -> None:
    """A build that would take for ever."""
    person = installation.signed_in()
    with closing(person.client):
        connected(person, site, static(folder, Dockerfile=SLOW))
        pull = site.open_pull(SHOP, "feature", author="ann", title="Take for ever")
        eventually(lambda: building(person, pull), what="it is being built", not_yet=NOT_YET)
        eventually(sleepers, what="its step runs", seconds=600)


def shown(installation: Installation, site: ForgejoSite, folder: Path) -> str:
    """The address of a preview."""
    person = installation.signed_in()
    with closing(person.client):
        person.online()
        source = static(folder, "version one", Dockerfile=DOCKERFILE)
        connected(person, site, source)
        pull = site.open_pull(SHOP, "feature", author="ann", title="Add a cart")
        return done(installation, site.repositories[SHOP], pull)


def sleepers() -> list[psutil.Process]:
    """The processes of the slow step."""
    return [one for one in psutil.process_iter(["cmdline"]) if SLEEPER in (one.info["cmdline"] or [])]


def removed(one: str) -> None:
    """The previews of this agent, with their networks."""
    for kind, remove in (("ps --all", "rm --force"), ("network ls", "network rm")):
        listed = f"docker {kind} --quiet --filter label=galley.agent={one}"
        subprocess.run(f"{listed} | xargs -r docker {remove}", shell=True, check=True, capture_output=True)


def test_two_stacks_on_the_same_volumes(
    installation: Installation,
    tmp_path_factory: pytest.TempPathFactory,
    images: Mapping[str, str],
    authority: trustme.CA,
) -> None:
    installation.compose("up", "--detach", "--wait", "postgres", "bus")
    asked(installation, "CREATE TABLE kept (id int)")
    with installed(
        tmp_path_factory, images, authority, POSTGRES_PASSWORD=installation.values["POSTGRES_PASSWORD"]
    ) as second:
        (second.directory / "shared.yaml").write_text(SHARED.format(first=installation.project))
        both = ("-f", second.file, "-f", "shared.yaml")
        refused = second.run("compose", *both, "up", "--detach", "galley-server", timeout=900)
        assert refused.returncode != 0, refused.stdout
        said = second.run("compose", *both, "logs", "--no-color", "postgres", "bus").stdout
        for volume in ("galley-db", "galley-bus"):
            assert f"sole-user: the volume {volume} is in use: a second stack on this host" in said
        server = second.run("inspect", "--format", "{{.State.StartedAt}}", second.container("galley-server"))
        assert server.stdout.startswith("0001-"), "it has not served"
        assert "kept" in tables(installation) and installation.states()["bus"] == "healthy"

        installation.compose("stop", "postgres", "bus")
        second.compose("-f", "shared.yaml", "up", "--detach", "--wait", "postgres", "bus")
        assert "kept" in tables(second), "one stack at a time has what is in the volumes"
        second.compose("-f", "shared.yaml", "down")


def test_a_second_stack_with_the_same_ports(
    installation: Installation,
    tmp_path_factory: pytest.TempPathFactory,
    images: Mapping[str, str],
    authority: trustme.CA,
) -> None:
    installation.compose("up", "--detach", "--wait", "bus")
    same = {name: installation.values[name] for name in PORTS}
    with installed(tmp_path_factory, images, authority, **same) as second:
        refused = second.run("compose", "up", "--detach", "galley-agent", timeout=900)
        assert refused.returncode != 0
        assert (
            f":{same['GALLEY_BUS_PORT']}" in refused.stderr and "port is already allocated" in refused.stderr
        )
        started = {service for service, state in second.states().items() if state in {"running", "healthy"}}
        assert not started & {"galley-server", "galley-worker", "galley-agent"}, "nothing of it serves"
    assert installation.states()["bus"] == "healthy"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Host]:
    """A host whose engine has a disk of its own, most of which something else has taken."""
    (root := tmp_path / "host").mkdir()
    disk = root / "disk"
    with disk.open("wb") as file:
        file.truncate(6 * 1024**3)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(disk)], check=True)
    with host.running(root, lambda _: None, "127.0.0.1", disk=disk) as one:
        one.types(f"fallocate -l $(( $(df --output=avail -B1 /var/lib/docker | tail -1) - {ROOM} )) {TAKEN}")
        yield one


def test_a_disk_that_is_full_in_the_middle_of_a_load(small: Host, images: Mapping[str, str]) -> None:
    names = [
        *(f"{one}:{images['TAG']}" for one in OURS),
        *(v for k, v in images.items() if k.endswith("_IMAGE")),
    ]
    assert len(names) == len(OURS) + len(OTHERS)
    bundle, first = small.root / "home/bundle.tar", small.root / "home/first.tar"
    subprocess.run(["docker", "save", "--output", str(bundle), *names], check=True)
    subprocess.run(["docker", "save", "--output", str(first), images["GALLEY_BUS_IMAGE"]], check=True)
    small.types("docker load -i first.tar")
    there = small.types("docker images --quiet")

    full = small.tries("docker load -i bundle.tar")
    assert full.code != 0 and "no space left on device" in full.text
    assert small.types("docker info --format '{{.Images}}'"), "the engine goes on"
    assert set(there.split()) <= set(small.types("docker images --quiet").split()), "nothing is lost"
    small.types(
        f"docker run --rm --network none --entrypoint nats-server {images['GALLEY_BUS_IMAGE']} --version"
    )

    small.types(f"rm {TAKEN}")
    small.types("docker load -i bundle.tar")
    for name in names:
        small.types(f"docker image inspect {name} > /dev/null")
