"""deploy/compose.yaml, by the real Compose and in containers: the main job, kills in the middle, and nothing left."""

import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from e2e.repositories import commit, static
from tests.deploy.certificates import own_certificate
from tests.deploy.installation import NOT_YET, Installation, Person
from tests.engines import require
from tests.forges.hosts.gitea import ForgejoSite
from tests.forges.hosts.site import Hosted, Pull
from tests.waiting import eventually

SHOP, BOT = "acme/shop", "seatrial-bot"
DONE = {"success", "failure", "error"}
PATIENCE_SECONDS = 600
DOCKERFILE = """\
FROM scratch
COPY busybox /bin/busybox
COPY www /www
RUN ["/bin/busybox", "sh", "-c", "/bin/busybox id -u > /www/uid; /bin/busybox cat /proc/self/uid_map > /www/map"]
EXPOSE 8080
CMD ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/www"]
"""
pytestmark = [pytest.mark.docker, pytest.mark.gvisor, pytest.mark.slow]


@pytest.fixture(scope="session")
def admin(installation: Installation) -> Iterator[Person]:
    """Signed in with the password of .env."""
    require("gvisor")
    person = installation.signed_in()
    yield person
    person.client.close()


@pytest.fixture
def forge(installation: Installation, authority: trustme.CA, tmp_path: Path) -> Iterator[ForgejoSite]:
    """A code host that containers and the host reach at one address, with a certificate of the organisation."""
    template = "{{(index .IPAM.Config 0).Gateway}}"
    network = f"{installation.project}_control"
    gateway = installation.run("network", "inspect", "--format", template, network).stdout.strip()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(gateway).configure_cert(context)
    site = ForgejoSite(tmp_path / "forgejo")
    site.private_receivers = True
    for login in (BOT, "ann"):
        site.person(login)
    with site.serving(context=context, host=gateway):
        yield site
    assert site.complaints == []


def test_from_a_merge_request_to_its_preview_through_kills(
    installation: Installation, admin: Person, forge: ForgejoSite, tmp_path: Path
) -> None:
    admin.online()
    source = static(tmp_path / "shop", "version one", Dockerfile=DOCKERFILE)
    hosted = forge.repository(SHOP, source, admin=BOT)
    asked = {
        "forge": "gitea",
        "base_url": forge.url,
        "name": "Forgejo",
        "credential": forge.people[BOT].token,
    }
    connection = admin.post("/connections", asked)
    admin.post(f"/connections/{connection['id']}/projects", {"repositories": [SHOP]})
    eventually(lambda: hosted.webhooks, what="the webhook is registered")

    pull = forge.open_pull(SHOP, "feature", author="ann", title="Add a cart")
    url = done(installation, hosted, pull)
    assert installation.visit(url).text == "version one"
    # Built as root of a user namespace that is not root outside.
    assert installation.visit(f"{url}/uid").text.strip() == "0"
    assert installation.visit(f"{url}/map").text.split()[1] == "1979000001"
    eventually(lambda: warnings(admin) == [], what="an agent without a warning", not_yet=NOT_YET)

    commit(source, {"www/index.html": "version two"})
    forge.push(SHOP, source, "feature")
    eventually(lambda: building(admin, pull), what="it is being built", not_yet=NOT_YET)
    installation.kill("galley-server", "galley-agent")
    url = done(installation, hosted, pull)
    eventually(lambda: installation.visit(url).text == "version two", what="the new version", not_yet=NOT_YET)
    assert set(installation.states().values()) <= {"healthy", "exited", "starting", "running"}

    forge.close_pull(SHOP, pull.number, merged=True)
    eventually(
        lambda: all(one["removed"] for one in admin.get("/environments")),
        what="the preview is removed",
        seconds=PATIENCE_SECONDS,
        not_yet=NOT_YET,
    )
    secrets = [installation.values[name] for name in ("SECRET_KEY", "GALLEY_MASTER_KEY", "POSTGRES_PASSWORD")]
    logs = installation.compose("logs", "--no-color")
    assert not [one for one in (*secrets, forge.people[BOT].token) if one in logs]


def warnings(admin: Person) -> list[str]:
    """What the agent's newest heartbeat warns of; at the first, its sandbox is still being prepared."""
    return list(admin.agent()["heartbeat"]["warnings"])


def done(installation: Installation, hosted: Hosted, pull: Pull) -> str:
    """The preview's address, once preview and policies of the pull request's head have ended."""

    def ended() -> str:
        newest = {one.context: one for one in hosted.statuses if one.sha == pull.head}
        states = {context: one.state for context, one in newest.items()}
        if states.get("seatrial/preview") in DONE and states.get("seatrial/policies") in DONE:
            assert states["seatrial/preview"] == "success", newest["seatrial/preview"].description
            assert states["seatrial/policies"] != "error", newest["seatrial/policies"].description
            return newest["seatrial/preview"].url
        return ""

    try:
        return eventually(ended, seconds=PATIENCE_SECONDS, what="both statuses")
    except AssertionError as error:
        error.add_note(installation.last_words())
        raise


def building(admin: Person, pull: Pull) -> bool:
    """Whether the pull request's head is being worked on by the agent."""
    deployments = [one["deployment"] or {} for one in admin.get("/environments")]
    return any(one.get("commit") == pull.head and one["phases"] for one in deployments)


def test_your_own_certificate_is_served_and_looked_at(
    installation: Installation, admin: Person, authority: trustme.CA
) -> None:
    def seen(past: str = "") -> list[dict[str, str]]:
        rows = admin.get("/status")["certificates"]
        new = all(
            row["state"] == "valid" and row["expires_at"] and row["fingerprint"] != past for row in rows
        )
        return rows if rows and new else []

    try:
        site, previews = sorted(
            eventually(seen, what="both are valid", not_yet=NOT_YET),
            key=lambda row: row["name"],
            reverse=True,
        )
    except AssertionError as error:
        error.add_note(installation.last_words())
        raise
    assert (site["name"], previews["name"]) == ("localhost", "*.preview.localhost")
    own_certificate(installation.directory / "tls", authority)
    eventually(lambda: seen(site["fingerprint"]), what="the next one is served", not_yet=NOT_YET)
    notes = [f"/var/lib/galley-server/ingress/{name}" for name in ("errors", "own")]
    assert installation.compose("exec", "-T", "galley-worker", "cat", *notes) == "", (
        "the worker can read both"
    )
    answer = admin.client.get("/health")
    assert "localhost has a certificate of" in answer.text
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_no_container_has_more_rights_than_it_needs(installation: Installation) -> None:
    names = installation.compose("ps", "--all", "--quiet").split()
    shown = {
        one["Config"]["Labels"]["com.docker.compose.service"]: one
        for one in json.loads(installation.run("inspect", *names).stdout)
    }
    for service, one in shown.items():
        host = one["HostConfig"]
        assert host["ReadonlyRootfs"] and not host["Privileged"], service
        assert host["CapDrop"] == ["ALL"], service
        assert host["LogConfig"]["Config"]["max-size"], service
    sockets = {s for s, one in shown.items() for m in one["Mounts"] if m["Source"].endswith("docker.sock")}
    assert sockets == {"galley-engine-proxy"}
    for service in ("galley-setup", "galley-server", "galley-worker"):
        assert shown[service]["Config"]["User"] == "10001:10001"


def test_the_agent_has_the_client_of_buildkit(installation: Installation) -> None:
    ask = "from seatrial.agent.builds.buildkit.buildx import found; import subprocess; print(subprocess.check_output([found(), 'version']))"
    assert "buildx" in installation.compose("exec", "-T", "galley-agent", "python", "-c", ask)


def test_nothing_is_left(images: dict[str, str], tmp_path: Path) -> None:
    """`down -v` in the middle of the first start."""
    tmp_path.chmod(0o755)
    second = Installation(tmp_path / "second", images)
    second.compose("create")
    second.compose("start", "galley-setup", "postgres")
    second.down()
    project = f"label=com.docker.compose.project={second.project}"
    for listing in (["ps", "--all"], ["network", "ls"], ["volume", "ls"]):
        assert second.run(*listing, "--quiet", "--filter", project).stdout == ""
