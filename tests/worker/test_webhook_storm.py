"""However webhooks come, and whatever is killed meanwhile: every pull request ends as the code host's truth says."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from django.db import InterfaceError, OperationalError

from seatrial.control.accounts.models import Workspace
from seatrial.control.forges.models import Delivery
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Connection, PullRequest
from seatrial.control.worker.main import REPORTS_LANES
from tests import factories
from tests.forges.hosts.github import GitHubSite
from tests.forges.hosts.site import Hosted, Webhook
from tests.worker.conftest import Join
from tests.worker.scripted_agent import ScriptedAgent
from tests.worker.stack import Backend, Stack, eventually
from tests.worker.storm import BOT, Storm, answers, can_kill_database, kill, start

pytestmark = [pytest.mark.postgres, pytest.mark.nats, pytest.mark.traefik, pytest.mark.timeout(3_600)]

AWAY = (OperationalError, InterfaceError)
NOT_YET = (*AWAY, AssertionError)
SECRET = "the webhook secret"
HOUR = 3_600  # how long everything may take to settle after ten thousand


@pytest.fixture
def campaign(request: pytest.FixtureRequest) -> bool:
    """Whether this is a round of a campaign, and not of continuous integration."""
    return bool(request.config.getoption("--campaign-seed"))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[GitHubSite]:
    site = GitHubSite(tmp_path / "github")
    site.person(BOT)
    site.left = 10**6
    with site.serving():
        yield site


@pytest.fixture
def repositories(site: GitHubSite, workspace: Workspace, campaign: bool) -> list[Hosted]:
    """Several, each of them a project. Nobody fetches what is in them."""
    made = []
    connection = factories.connection(
        workspace,
        forge="github",
        base_url=site.url,
        credential=site.people[BOT].token,
        webhook_secret=SECRET,
    )
    for number in range(12 if campaign else 4):
        hosted = Hosted(next(site.ids), "acme", f"shop{number}", site.root, {BOT: "admin"})
        site.repositories[hosted.full_name] = hosted
        made.append(hosted)
        factories.project(
            workspace,
            hosted.name,
            connection=connection,
            external_id=str(hosted.id),
            full_name=hosted.full_name,
            clone_url=f"{site.url}/{hosted.full_name}.git",
        )
    return made


@pytest.fixture
def everything_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' database forgets the last moment when it is killed, and a real one does not."""
    monkeypatch.setenv("PGOPTIONS", "-c synchronous_commit=on")


@pytest.fixture
def backend() -> Iterator[Backend]:
    backend = Backend("a preview")
    yield backend
    backend.stop()


@pytest.fixture
def one_agent(join: Join, backend: Backend) -> ScriptedAgent:
    agent = join("one")
    agent.endpoint = lambda _: backend.url
    return agent


@pytest.fixture
def storm(
    stack: Stack, site: GitHubSite, repositories: list[Hosted], chance: random.Random, campaign: bool
) -> Iterator[Storm]:
    connection = Connection.objects.get(forge="github")
    webhook = Webhook(1, f"{stack.url}/api/v1/webhooks/github/{connection.pk}", SECRET, ["pull_request"])
    storm = Storm(site, webhook, chance, repositories, most_open=60 if campaign else 12)
    yield storm
    storm.close()


def test_every_pull_request_ends_as_the_code_host_says(
    everything_lasts: None,
    stack: Stack,
    one_agent: ScriptedAgent,
    storm: Storm,
    workspace: Workspace,
    chance: random.Random,
    campaign: bool,
) -> None:
    factories.policy(workspace, "Has readme")
    rounds, each = (200, 50) if campaign else (6, 50)
    victims = ["web", "worker", "bus", *(["database"] if can_kill_database() else [])]
    # In the short storm each dies once, and in a long one at any time
    fates = (
        [chance.choice([*victims, None, None]) for _ in range(rounds)] if campaign else [*victims, None, None]
    )
    killed: Counter[str | None] = Counter()
    for fate in fates:
        sent = storm.deliver(each)
        if fate is not None:
            time.sleep(chance.random() / 2)  # at any moment of what it does
            kill(stack, fate)
            time.sleep(chance.random() / 2)
            start(stack, fate)
            killed[fate] += 1
        for one in sent:
            one.result(120)
    eventually(lambda: not unhandled(), seconds=600, what="all deliveries are handled", not_yet=AWAY)
    stack.kill("worker")  # the next one looks at the code host at once, and not in a minute
    stack.start_worker()
    seconds = HOUR if campaign else 120
    eventually(lambda: nothing(wrong(storm)), seconds=seconds, what="the truth", not_yet=NOT_YET)
    eventually(
        lambda: nothing(unsaid(storm)), seconds=seconds, what="everything is reported", not_yet=NOT_YET
    )
    assert not wrong(storm)
    assert not lost(storm)
    # What was sent when its process was killed is sent once more
    assert len(twice(storm)) <= REPORTS_LANES * (killed["worker"] + killed["database"] + 1)
    assert storm.site.complaints == []


def nothing(found: list[str]) -> bool:
    """So that what there is is told, should it stay."""
    assert not found, "; ".join(found[:5])
    return True


def wrong(storm: Storm) -> list[str]:
    """How our pull requests and previews differ from the code host's truth."""
    answers()
    found = []
    ours = {(row.project.full_name, row.number): row for row in PullRequest.objects.select_related("project")}
    previews = {
        (one.pull_request.project.full_name, one.pull_request.number): one
        for one in Environment.objects.filter(removed_at=None).select_related("pull_request__project", "live")
    }
    for hosted, pull in storm.pulls():
        key = (hosted.full_name, pull.number)
        row, preview = ours.get(key), previews.get(key)
        if pull.state == "closed":
            if row is not None and row.state != "closed":
                found.append(f"{key} is open here")
            if preview is not None:
                found.append(f"{key} has a preview: {preview.state}")
        elif row is None or (row.state, row.head_sha, row.title) != ("open", pull.head, pull.title):
            found.append(f"{key} is {row and (row.state, row.head_sha, row.title)} here")
        elif preview is None or preview.live is None or preview.live.commit != pull.head:
            found.append(f"{key} does not run {pull.head[:10]}")
    if waiting := unhandled():
        found.append(f"{waiting} deliveries wait")
    return found


def unhandled() -> int:
    answers()
    return Delivery.objects.filter(handled_at=None).count()


def unsaid(storm: Storm) -> list[str]:
    """What the code host does not show as it is here."""
    answers()
    found = []
    for hosted, pull in storm.pulls():
        if pull.state != "open":
            continue
        for context in ("seatrial/policies", "seatrial/preview"):
            said = [one for one in hosted.statuses if (one.sha, one.context) == (pull.head, context)]
            if not said or said[-1].state != "success":
                found.append(f"{hosted.full_name} {pull.number}: {context} {said[-1:]}")
        if [pull.head[:10] in one.body for one in pull.comments] != [True]:
            found.append(f"{hosted.full_name} {pull.number}: {[one.body[:80] for one in pull.comments]}")
    waiting = OutboxMessage.objects.filter(published_at=None).exclude(subject="desired")
    return found + [f"{row.subject} {row.body}" for row in waiting]


def lost(storm: Storm) -> list[str]:
    """Webhooks that were answered as accepted and are not there once, handled."""
    known = Counter(Delivery.objects.filter(result="accepted").values_list("delivery_id", flat=True))
    return [guid for guid in storm.accepted if known[guid] != 1] + [
        row.outcome for row in Delivery.objects.filter(outcome__contains="after")
    ]


def twice(storm: Storm) -> list[str]:
    """What was said again although nothing had changed, and comments beside the one."""
    found = []
    for hosted in storm.repositories:
        said: dict[tuple[str, str], list[tuple[str, str, str]]] = {}
        for one in hosted.statuses:
            line = (one.state, one.description, one.url)
            said.setdefault((one.sha, one.context), []).append(line)
        found += [
            f"{key}: {after}"
            for key, lines in said.items()
            for before, after in pairwise(lines)
            if before == after
        ]
        found += [
            f"{pull.number} has {len(pull.comments)}"
            for pull in hosted.pulls.values()
            if len(pull.comments) > 1
        ]
    return found
