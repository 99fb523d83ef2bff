import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.http import HttpResponse
from django.test import Client

from seatrial.control.accounts.models import Workspace
from seatrial.control.forges.github.signature import sign
from seatrial.control.forges.local import announcing, git
from seatrial.control.forges.local.announcing import Announcer
from seatrial.control.projects.models import Connection
from seatrial.control.projects.services import ensure_connection
from tests.waiting import LIMIT_SECONDS

SECRET = "the webhook secret"
PAYLOADS = Path(__file__).parent / "github_payloads"

Send = Callable[..., HttpResponse]
announce_all = Announcer().announce_all  # as the worker's: it remembers


@pytest.fixture(autouse=True, scope="session")
def _a_busy_machine_is_waited_for() -> Iterator[None]:
    """Git and our own web process are given all the time that they need."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (announcing, git):
            patch.setattr(module, "TIMEOUT_SECONDS", LIMIT_SECONDS)
        yield


def payload(name: str) -> bytes:
    return (PAYLOADS / f"{name}.json").read_bytes()


@pytest.fixture
def connection(db) -> Connection:
    workspace = Workspace.objects.create(slug="ours", name="Ours")
    return ensure_connection(workspace, "local", "here", webhook_secret=SECRET)


@pytest.fixture
def send(connection: Connection) -> Send:
    """Deliver a webhook as a forge would; what differs from an honest one is given."""

    def deliver(
        body: bytes,
        event: str = "pull_request",
        delivery: str = "d-1",
        signature: str | None = None,
        path: str | None = None,
    ) -> HttpResponse:
        headers = {
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": delivery,
            "X-Hub-Signature-256": sign(body, SECRET) if signature is None else signature,
        }
        path = path or f"/api/v1/webhooks/local/{connection.pk}"
        return Client().post(path, body, content_type="application/json", headers=headers)

    return deliver


class Work:
    """A real repository on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=Ann", "-c", "user.email=ann@example.test", "-c", "commit.gpgsign=false")
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=self.path, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, subject: str = "Change", branch: str | None = None) -> str:
        if branch:
            self.git("checkout", "-q", "-B", branch)
        (self.path / "file").write_text(subject)
        self.git("add", ".")
        self.git("commit", "-q", "--allow-empty", "-m", subject)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def work(tmp_path: Path) -> Work:
    repository = Work(tmp_path / "shop")
    repository.commit("First")
    return repository


def changed(body: bytes, **paths: object) -> bytes:
    """A payload with some values replaced: `changed(body, pull_request__number=2)`."""
    data = json.loads(body)
    for path, value in paths.items():
        *way, last = path.split("__")
        place = data
        for name in way:
            place = place[name]
        place[last] = value
    return json.dumps(data).encode()
