"""docs/install/compose.md, typed: a start, a planned window while a build runs, the next release, a restore on a fresh host, and nothing left."""

import re
import shutil
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import trustme

from e2e.repositories import commit, static
from scripts.images.making import OTHERS
from tests.deploy.installation import COMPOSE as FILE
from tests.deploy.installation import NOT_YET
from tests.engines import require
from tests.repositories import git
from tests.waiting import eventually
from tests.walks import builds, code_host, host
from tests.walks.code_host import PERSON, CodeHost
from tests.walks.host import Host
from tests.walks.office import HERE, INSIDE, Office, entered
from tests.walks.page import Page
from tests.walks.people import Admin, admin_of, outcome

pytestmark = [pytest.mark.walk, pytest.mark.docker, pytest.mark.gvisor, pytest.mark.timeout(7200)]
SITE = f"https://galley.{INSIDE}"
SHOP = "acme/web/shop"
SLOW = """\
FROM scratch
COPY busybox /bin/busybox
COPY www /www
RUN ["/bin/busybox", "sleep", "20"]
EXPOSE 8080
CMD ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/www"]
"""


@pytest.fixture
def page() -> Page:
    return Page("docs/install/compose.md", "compose")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with pytest.MonkeyPatch.context() as patch, entered(patch) as office:
        yield office


@pytest.fixture
def carried(tmp_path: Path) -> Path:
    """The images of both releases are those of the bundles: no registry answers here."""
    for part in ("docker", "gvisor", "buildah"):
        require(part)
    return builds.both(tmp_path, Page("docs/install/airgapped.md", "airgapped"))


@pytest.fixture
def gitlab(carried: Path, office: Office, authority: trustme.CA, tmp_path: Path) -> Iterator[CodeHost]:
    with code_host.serving(tmp_path / "gitlab", authority) as site:
        yield site


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def fresh(
    gitlab: CodeHost, office: Office, carried: Path, authority: trustme.CA, tmp_path: Path
) -> Iterator[Host]:
    """A host with the images of both releases, the folder /opt/galley without `.env`, and a certificate of the organisation."""
    (root := tmp_path / "host").mkdir()
    with host.running(root, office.connect, HERE) as one:
        shutil.copytree(FILE.parent, one.path("/opt/galley"))
        authority.cert_pem.write_to_path(str(one.path("/etc/ssl/ca.pem")))
        one.path("/etc/ssl/galley").mkdir()
        own = authority.issue_cert(f"galley.{INSIDE}", f"*.preview.{INSIDE}")
        for blob in own.cert_chain_pems:
            blob.write_to_path(str(one.path("/etc/ssl/galley/tls.crt")), append=True)
        own.private_key_pem.write_to_path(str(one.path("/etc/ssl/galley/tls.key")))
        for tag in ("1.2", "1.3"):
            shutil.copy(carried / f"gitgrit-install-{tag}.tgz", root / "home")
            one.types(
                f"tar xzf gitgrit-install-{tag}.tgz && docker load -i gitgrit-install-{tag}/gitgrit-bundle-{tag}.tar && rm -r gitgrit-install-{tag}*"
            )
        yield one


def test_from_the_first_start_to_a_restore(
    page: Page, fresh: Host, gitlab: CodeHost, authority: trustme.CA, tmp_path: Path
) -> None:
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    configured(fresh)
    started(page, fresh)
    source = static(tmp_path / "shop", "version one")
    hosted = gitlab.repository(SHOP, source, admin=code_host.BOT)
    with admin_of(SITE, setting(fresh, "SEATRIAL_ADMIN_PASSWORD"), verify=trusting) as admin:
        admin.put_under_trial(gitlab, SHOP)
        pull = gitlab.open_pull(SHOP, "feature", author=PERSON, title="Add a cart")
        url = outcome(hosted, pull)
        assert visited(url, trusting) == "version one"

        commit(source, {"Dockerfile": SLOW, "www/index.html": "version two"})
        gitlab.push(SHOP, source, "feature")
        eventually(lambda: built(admin, pull.head), what="it is being built", not_yet=NOT_YET)
        git(source, "branch", "other")
        window(page, fresh, lambda: visited(url, trusting), lambda: missed(gitlab, source))
    assert visited(outcome(hosted, pull), trusting) == "version two", "it was built while the server was away"

    upgraded(page, fresh)
    restored(page, fresh)
    commit(source, {"www/index.html": "version three"})
    gitlab.push(SHOP, source, "feature")
    assert visited(outcome(hosted, pull), trusting) == "version three", (
        "the restored token of the code host is read with its key"
    )
    removed(page, fresh)
    assert page.untyped == []


def setting(fresh: Host, name: str) -> str:
    """A value of .env."""
    found = re.search(rf"^{name}=(.*)$", fresh.path("/opt/galley/.env").read_text(), re.MULTILINE)
    assert found, name
    return found[1]


def visited(url: str, trusting: ssl.SSLContext) -> str:
    """What a preview shows to somebody who trusts the organisation."""
    return httpx.get(url, trust_env=False, timeout=60, verify=trusting).text


def built(admin: Admin, head: str) -> bool:
    """Whether the agent works on this commit."""
    deployments = [one["deployment"] or {} for one in admin.get("/environments")]
    return any(one.get("commit") == head and one["phases"] for one in deployments)


def configured(fresh: Host) -> None:
    """`.env`, as `seatrial init` of the image writes it, with what it does not ask."""
    fresh.types(
        "cd /opt/galley\n(umask 077; docker run --rm -v /etc/ssl/ca.pem:/etc/ssl/ca.pem:ro galley-server:1.2 init --kind one-host "
        f'--site-url {SITE} --preview-domain preview.{INSIDE} --forge "gitlab https://gitlab.{INSIDE}" --ca-file /etc/ssl/ca.pem > .env)'
    )
    values = {"GALLEY_TLS_DIR": "/etc/ssl/galley"}
    values |= {other.variable: f"gitgrit-{other.name}:1.2" for other in OTHERS}
    lines = "".join(f"{name}={value}\n" for name, value in values.items())
    with fresh.path("/opt/galley/.env").open("a") as file:
        file.write(lines)


def started(page: Page, fresh: Host) -> None:
    """The first start."""
    *up, logs = page.exactly(
        "cd /opt/galley\ndocker compose up -d\ndocker compose logs -f galley-server\n"
    ).splitlines()
    fresh.types("\n".join(up))
    fresh.follows(logs, "web started")


def window(page: Page, fresh: Host, look: Callable[[], str], happen: Callable[[], None]) -> None:
    """The server is away: previews answer, and the agent goes on."""
    stop, pull, start = (
        page.exactly(f"docker compose {words}\n")
        for words in ("stop galley-server", "pull galley-server galley-agent", "up -d")
    )
    fresh.types(stop)
    happen()
    assert fresh.types("docker compose ps --status running --services").split().count("galley-agent") == 1
    fresh.types(pull)
    eventually(lambda: look() == "version one", what="the old version answers")
    fresh.types(start)


def missed(gitlab: CodeHost, source: Path) -> None:
    """A webhook comes while the server is away."""
    before = len(gitlab.deliveries)
    gitlab.push(SHOP, source, "other")
    assert {one.status for one in gitlab.deliveries[before:]} == {502}


def upgraded(page: Page, fresh: Host) -> None:
    """To the next release, as the page says."""
    fresh.types("sed -i 's/^TAG=.*/TAG=1.3/' .env")
    *go, logs = page["docker compose pull\n"].splitlines()
    fresh.types("\n".join(go))
    fresh.follows(logs, "web started")
    assert "galley-server" in fresh.types("docker compose images | grep 1.3")


def restored(page: Page, fresh: Host) -> None:
    """A restore drill: nothing is there but the images, `.env` and the dump."""
    fresh.types(page["pg_dump"])
    name = max(fresh.path("/opt/galley").glob("galley-*.sql")).name
    removed(page, fresh)
    fresh.types("find /var/lib/galley -mindepth 1 -delete")
    fresh.types(page["psql -q"].replace("galley-YYYY-MM-DD.sql", name))
    fresh.types(page["agent_token local"])


def removed(page: Page, fresh: Host) -> None:
    """Nothing is left."""
    fresh.types("docker compose down -v")
    fresh.types(page["docker rm -f $(docker ps -aq"])
    assert fresh.containers() == set()
    assert fresh.types("docker volume ls -q") == ""
    assert set(fresh.types("docker network ls --format '{{.Name}}'").split()) == {"bridge", "host", "none"}
