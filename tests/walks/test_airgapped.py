"""docs/install/airgapped.md, typed: from the bundle to the second release, on a host whose only way out lets nothing through."""

import base64
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import httpx
import pytest
import trustme
from playwright.sync_api import expect

from e2e.repositories import commit, static
from tests.engines import require
from tests.walks import builds, code_host, host
from tests.walks.code_host import PERSON, CodeHost
from tests.walks.host import Host, commands
from tests.walks.office import HERE, INSIDE, Office, entered
from tests.walks.page import Page
from tests.walks.people import admin_of, browsing, outcome, page_of_verdict

pytestmark = [
    pytest.mark.walk,
    pytest.mark.docker,
    pytest.mark.gvisor,
    pytest.mark.chromium,
    pytest.mark.timeout(7200),
]
SITE = f"http://gitgrit.{INSIDE}:3000"
COMPOSE = "docker compose -f docker-compose.full.yaml"
SHOP = "acme/web/shop"
PROBED = {"8.8.8.8", "1.1.1.1"}


@pytest.fixture
def page() -> Page:
    return Page("docs/install/airgapped.md", "airgapped")


@pytest.fixture
def carried(tmp_path: Path, page: Page) -> Path:
    """Both bundles, built before the walk enters the office: builds need the distribution's mirror."""
    for part in ("docker", "gvisor", "buildah", "chromium"):
        require(part)
    return builds.both(tmp_path, page)


@pytest.fixture
def office(carried: Path) -> Iterator[Office]:
    with pytest.MonkeyPatch.context() as patch, entered(patch) as office:
        yield office


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def gitlab(office: Office, authority: trustme.CA, tmp_path: Path) -> Iterator[CodeHost]:
    with code_host.serving(tmp_path / "gitlab", authority) as site:
        yield site


@pytest.fixture
def closed(office: Office, carried: Path, authority: trustme.CA, tmp_path: Path) -> Iterator[Host]:
    """The host, with what was carried there, in an empty folder."""
    (root := tmp_path / "host").mkdir()
    with host.running(root, office.connect, HERE) as one:
        authority.cert_pem.write_to_path(str(one.path("/etc/ssl/gitgrit-ca.pem")))
        for file in carried.iterdir():
            shutil.copy(file, root / "home")
        yield one


def test_from_the_bundle_to_the_second_release(
    page: Page, closed: Host, office: Office, gitlab: CodeHost, tmp_path: Path
) -> None:
    installed(page, closed, office, gitlab)
    isolation_is_proven(page, closed, office)
    source = static(tmp_path / "shop", "version one")
    with office.quiet(), admin_of(SITE, setting(closed, "SEATRIAL_ADMIN_PASSWORD")) as admin:
        hosted = gitlab.repository(SHOP, source, admin=code_host.BOT)
        admin.put_under_trial(gitlab, SHOP)
        pull = gitlab.open_pull(SHOP, "feature", author=PERSON, title="Add a cart")
        url, verdict = outcome(hosted, pull), page_of_verdict(hosted, pull)
        assert visited(url) == "version one"
        assert admin.get(f"/evaluations/{verdict.rsplit('/', 1)[1]}")["isolation"] == "runsc"
        (environment,) = admin.get("/environments")
        somebody_signs_in(
            closed, gitlab, url, [verdict.removeprefix(SITE), f"/environments/{environment['id']}"]
        )
    backed_up(page, closed)
    upgraded(page, closed, office)
    with office.quiet():
        commit(source, {"www/index.html": "version two"})
        gitlab.push(SHOP, source, "feature")
        assert visited(outcome(hosted, pull)) == "version two"
    restored(page, closed)
    commit(source, {"www/index.html": "version three"})
    gitlab.push(SHOP, source, "feature")
    assert visited(outcome(hosted, pull)) == "version three", (
        "the restored token of the code host is read with its key"
    )
    removed(page, closed)
    assert page.untyped == []


def setting(closed: Host, name: str) -> str:
    """A value of .env in the folder where the operator is."""
    found = re.search(rf"^{name}=(.*)$", closed.path(f"{closed.folder}/.env").read_text(), re.MULTILINE)
    assert found, name
    return found[1]


def visited(url: str) -> str:
    """What a preview shows to somebody in the office."""
    return httpx.get(url, trust_env=False, timeout=60).text


def installed(page: Page, closed: Host, office: Office, gitlab: CodeHost) -> None:
    """Steps 1 to 5 of Install."""
    said = closed.types(page["sha256sum -c gitgrit-install-1.2.tgz.sha256"])
    assert "gitgrit-install-1.2.tgz: OK" in said and "The bundle is whole" in said
    closed.types(page["sudo runsc install &&"])
    kernel_gives_no_network(closed)
    assert "runsc" in closed.types(page["docker info | grep runsc"])
    closed.types(page["docker load -i gitgrit-bundle-1.2.tar\n"])
    printed = closed.types(page["init --kind air-gapped"])
    callback = f"{SITE}/accounts/gitlab/login/callback/"
    assert callback in printed
    application = gitlab.sign_in_application(callback)
    values = {
        "GITLAB_CLIENT_ID": application.client_id,
        "GITLAB_CLIENT_SECRET": application.secret,
        "SANDBOX_DNS": HERE,
    }
    for name, value in values.items():  # by hand
        closed.types(f"sed -i 's/^#*{name}=.*/{name}={value}/' .env")
    up, setup, smoketest, logs = page["logs -f app"].splitlines()
    with office.quiet():
        closed.types(up)
        said = closed.types(setup)
        assert said.startswith(f"SITE_URL OK: {SITE}\nOperator CA bundle OK: /etc/seatrial/ca.pem (")
        assert said.endswith("Air-gap setup complete.\n")
    said = closed.types(smoketest)
    assert said.endswith("airgap_smoketest PASSED\n") and "\nFAIL" not in said
    assert {address for address, _ in office.left} == PROBED, "what --check-isolation tries, and nothing else"
    assert closed.follows(logs, "web started")


def kernel_gives_no_network(closed: Host) -> None:
    """Where this machine's kernel does not let gVisor have a network, the page says how to register it."""
    closed.types("sudo runsc install -- --network=none --platform=ptrace && sudo systemctl restart docker")


def isolation_is_proven(page: Page, closed: Host, office: Office) -> None:
    """By the smoketest, and by hand; both fail loudly with a way out."""
    by_hand = page["curl -sS --max-time 3 https://www.google.com"]
    assert closed.tries(by_hand).code != 0
    smoketest = page["logs -f app"].splitlines()[2]
    with office.with_a_way_out():
        said = closed.tries(smoketest)
    assert said.code == 1
    assert (
        "FAIL  public internet is reachable: TCP 8.8.8.8:443 accepted a connection. This is NOT an air-gapped install."
        in said.text
    )
    assert "public internet is reachable from the host of agent local: TCP 8.8.8.8:443" in said.text
    assert "airgap_smoketest FAILED" in said.text


def somebody_signs_in(closed: Host, gitlab: CodeHost, url: str, pages: Sequence[str]) -> None:
    """By OAuth, in a browser that asks nobody but this server and the code host."""
    closed.types(f"{COMPOSE} exec app python manage.py invite gitlab:{PERSON} --role developer")
    with browsing() as browser:
        tab = browser.tab
        tab.goto(SITE)
        tab.get_by_role("button", name="Sign in with GitLab").click()
        tab.get_by_role("button", name=f"as {PERSON}").click()
        expect(tab.get_by_role("link", name=PERSON)).to_be_visible()
        for path in ("/projects", *pages):
            tab.goto(f"{SITE}{path}")
            expect(tab.get_by_role("heading", level=1)).to_be_visible()
        assets = {PurePosixPath(urlsplit(url).path).suffix for url in browser.requests}
        assert {".css", ".js", ".woff2"} <= assets, "not only pages are asked for"
        assert browser.elsewhere(SITE, gitlab.url) == []
        tab.goto(url)
        expect(tab.locator("body")).to_contain_text("version one")


def backed_up(page: Page, closed: Host) -> None:
    """The dump is a whole one."""
    closed.types(page["    pg_dump -U gitgrit gitgrit"])
    assert "PostgreSQL database dump complete" in dump(closed).read_text()[-400:]


def dump(closed: Host) -> Path:
    """The newest dump in the folder where the operator is."""
    return max(closed.path(closed.folder).glob("gitgrit-*.sql"))


def upgraded(page: Page, closed: Host, office: Office) -> None:
    """The five steps. The stack swaps its containers in place, and the data stay."""
    closed.types("cd ..")  # where the new bundle was carried to
    closed.types(page["docker load -i gitgrit-bundle-1.3.tar"])
    closed.types(page["cp -p ../gitgrit-install-1.2/.env ."])
    with office.quiet():
        closed.types(page.exactly(f"{COMPOSE} up -d\n"))
        setup, smoketest = page.exactly(
            f"{COMPOSE} exec app python manage.py airgap_setup\n{COMPOSE} exec app python manage.py airgap_smoketest --check-isolation\n"
        ).splitlines()
        assert closed.types(setup).endswith("Air-gap setup complete.\n")
    assert closed.types(smoketest).endswith("airgap_smoketest PASSED\n")
    images = closed.types(f"{COMPOSE} images")
    assert "1.3" in images and "1.2" not in images
    assert "walked" in closed.types(f"{COMPOSE} exec db psql -U gitgrit gitgrit -c '\\dt walked'"), (
        "its migration was applied"
    )
    older(closed)


def older(closed: Host) -> None:
    """The release before refuses the database, says why, and the newer one goes on with it."""
    closed.types("sed -i 's/^TAG=.*/TAG=1.2/' .env")
    refused(closed, "the database's schema was written by release")
    closed.types("sed -i 's/^TAG=.*/TAG=1.3/' .env")
    closed.types(f"{COMPOSE} up -d")


def refused(closed: Host, why: str) -> None:
    """The server does not start, and its log says why. `up -d` ends when it sees that, or waits until Ctrl-C."""
    closed.tries(f"timeout --signal=INT 120 {COMPOSE} up -d")
    closed.follows(f"{COMPOSE} logs -f app", why)


def restored(page: Page, closed: Host) -> None:
    """On a fresh host: nothing of the stack is there but images, `.env` and the dump. First with a wrong key."""
    backup = page["    pg_dump -U gitgrit gitgrit"]
    closed.types(backup)
    right, wrong = setting(closed, "GITGRIT_ENCRYPTION_KEY"), base64.urlsafe_b64encode(bytes(32)).decode()
    gone(closed)
    database, restore, start = commands(page["psql -U gitgrit gitgrit <"])
    closed.types(f"sed -i 's/^GITGRIT_ENCRYPTION_KEY=.*/GITGRIT_ENCRYPTION_KEY={wrong}/' .env")
    closed.types(database)
    closed.types(restore.replace("gitgrit-YYYY-MM-DD.sql", dump(closed).name))
    refused(closed, "Encryption key must match")
    closed.types(f"sed -i 's|^GITGRIT_ENCRYPTION_KEY=.*|GITGRIT_ENCRYPTION_KEY={right}|' .env")
    closed.types(start)
    closed.types(page["manage.py agent_token local"])
    closed.types(f"{COMPOSE} exec app python manage.py airgap_smoketest")


def gone(closed: Host) -> None:
    """As on a host where nothing was ever started."""
    closed.types(Page("docs/install/airgapped.md", "airgapped")["down -v"])
    closed.types("find /var/lib/galley -mindepth 1 -delete")


def removed(page: Page, closed: Host) -> None:
    """Nothing is left."""
    closed.types(page["down -v"])
    assert closed.containers() == set()
    assert closed.types("docker volume ls -q") == ""
    networks = closed.types("docker network ls --format '{{.Name}}'").split()
    assert set(networks) == {"bridge", "host", "none"}
