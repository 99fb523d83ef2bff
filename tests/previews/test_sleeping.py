"""A preview that nobody visits sleeps, deeper and deeper; a visit, a push or a person wakes it."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from seatrial.control.audit.actors import Actor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.previews import services
from seatrial.control.previews.errors import NothingToPutToSleep, NothingToWake
from seatrial.control.previews.models import Environment
from seatrial.control.previews.sleeping import callers, idle, visits
from seatrial.control.previews.sleeping import services as sleeping
from seatrial.control.projects.changing import change_project
from seatrial.control.projects.errors import BadSleep
from seatrial.wire.deployments import EnvironmentObserved
from tests import factories
from tests.factories import Cast
from tests.previews.scenario import Scenario, check_invariants, web

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
A, B = (letter * 40 for letter in "ab")
BY = Actor.person("alice")


@pytest.fixture
def scene() -> Scenario:
    """Live, of a project that pauses after 10 minutes and stops after 60; its agent sees nobody connected."""
    scene = Scenario.make()
    change_project(scene.project, by=BY, pause_minutes=10, stop_minutes=60)
    scene.project.refresh_from_db()
    scene.live(A)
    report(scene)
    return scene


def report(
    scene: Scenario, *, streams: int | None = 0, revision: int = 10**6, state: str = "running"
) -> None:
    live = scene.environment.live
    assert live is not None
    event = EnvironmentObserved(
        environment=scene.environment.pk,
        revision=revision,
        deployment=live.pk,
        services=[web().model_copy(update={"state": state})],
        streams=streams,
    )
    services.observed(live.agent_id or "", event)


def pass_time(scene: Scenario, minutes: float) -> None:
    """Everything that was until now was so much earlier; the agent has been heard since."""
    ago = timedelta(minutes=minutes)
    for name in ("visited_at", "asleep_since", "settles_at", "waking_since"):
        at = getattr(scene.environment, name)
        if at is not None:
            Environment.objects.filter(pk=scene.environment.pk).update(**{name: at - ago})


def tier(scene: Scenario) -> tuple[str, bool, bool]:
    """Its state, and what its agent is told."""
    desired = scene.desired()
    assert desired is not None
    return scene.environment.state, desired.running, desired.paused


def test_it_is_paused_then_stopped_and_runs_until_everybody_on_the_way_has_arrived(scene: Scenario) -> None:
    pass_time(scene, 9)
    assert idle.put_to_sleep(visits_known=True) == 0
    pass_time(scene, 2)
    assert idle.put_to_sleep(visits_known=True) == 1
    assert tier(scene) == ("hibernating", True, False), "who comes is asked about, and it still runs"
    assert idle.put_to_sleep(visits_known=True) == 0
    pass_time(scene, 2)
    assert idle.put_to_sleep(visits_known=True) == 1 and tier(scene) == ("hibernating", False, True)
    assert idle.put_to_sleep(visits_known=True) == 0
    pass_time(scene, 60)
    assert idle.put_to_sleep(visits_known=True) == 1 and tier(scene) == ("hibernating", False, False)
    assert idle.put_to_sleep(visits_known=True) == 0
    assert AuditEntry.objects.filter(action="environment.sleep").count() == 1
    check_invariants(scene.project)


@pytest.mark.parametrize(
    "why", ["connected", "nobody looked", "agent silent", "never", "deploying", "log unknown"]
)
def test_it_stays_awake(scene: Scenario, why: str) -> None:
    pass_time(scene, 11)
    if why == "connected":
        report(scene, streams=1)
    elif why == "nobody looked":  # an older agent
        report(scene, streams=None)
    elif why == "agent silent":
        Environment.objects.update(observed_at=timezone.now() - timedelta(minutes=5))
    elif why == "never":
        change_project(scene.project, by=BY, pause_minutes=0, stop_minutes=0)
    elif why == "deploying":
        scene.push(B, at=1)
    assert idle.put_to_sleep(visits_known=why != "log unknown") == 0
    assert scene.environment.state == "running"


def test_who_arrives_before_it_has_settled_keeps_it_awake(scene: Scenario) -> None:
    pass_time(scene, 11)
    idle.put_to_sleep(visits_known=True)
    report(scene, streams=1)
    assert tier(scene) == ("running", True, False) and scene.environment.asleep_since is None
    assert idle.put_to_sleep(visits_known=True) == 0


def test_it_wakes_when_its_agent_says_so_and_not_by_an_old_report(scene: Scenario) -> None:
    sleeping.sleep(scene.environment, BY)
    with pytest.raises(NothingToPutToSleep):
        sleeping.sleep(scene.environment, BY)
    pass_time(scene, 1)
    idle.put_to_sleep(visits_known=False)
    assert tier(scene) == ("hibernating", False, True)
    sleeping.woken_by_visit(scene.environment)
    sleeping.woken_by_visit(scene.environment)
    desired = scene.desired()
    assert desired is not None and tier(scene) == ("hibernating", True, False)
    report(scene, revision=desired.revision - 1)
    assert scene.environment.waking_since is not None, "it was sent before the agent knew"
    report(scene, revision=desired.revision, state="unhealthy")
    assert scene.environment.waking_since is not None and sleeping.trouble(scene.environment) == ""
    pass_time(scene, 2)
    assert "web (unhealthy)" in sleeping.trouble(scene.environment)
    report(scene, revision=desired.revision)
    assert tier(scene) == ("running", True, False) and scene.environment.waking_since is None
    assert list(AuditEntry.objects.filter(action="environment.wake").values_list("actor", flat=True)) == [
        "system"
    ]
    with pytest.raises(NothingToWake):
        sleeping.wake(scene.environment, BY)


def test_an_agent_that_is_away_is_the_reason(scene: Scenario) -> None:
    sleeping.sleep(scene.environment, BY)
    pass_time(scene, 1)
    idle.put_to_sleep(visits_known=True)
    sleeping.wake(scene.environment, BY)
    scene.agent.state = "offline"
    scene.agent.save()
    assert "does not answer" in sleeping.trouble(scene.environment)


def test_a_push_wakes_it_and_a_stop_and_a_close_end_its_sleep(scene: Scenario) -> None:
    def asleep() -> None:
        sleeping.sleep(scene.environment, BY)
        pass_time(scene, 1)
        assert idle.put_to_sleep(visits_known=True) == 1

    asleep()
    scene.push(B, at=1)
    assert tier(scene) == ("hibernating", True, False), "it wakes, and the new one is built beside it"
    scene.ready(scene.candidate())
    scene.switch()
    assert tier(scene) == ("running", True, False)
    asleep()
    scene.stop()
    assert tier(scene) == ("stopped", False, False)
    scene.undo()
    assert tier(scene) == ("running", True, False)
    asleep()
    scene.close(at=9)
    assert scene.environment.state == "terminated" and scene.environment.asleep_since is None
    check_invariants(scene.project)


def test_it_still_ends_when_its_time_to_live_is_over(scene: Scenario) -> None:
    sleeping.sleep(scene.environment, BY)
    Environment.objects.update(expires_at=timezone.now() - timedelta(hours=1))
    assert services.expire() == 1


@pytest.mark.parametrize(("pause", "stop"), [(10, 10), (10, 5), (-1, 0), (0, 10**9)])
def test_ages_that_make_no_sense_are_refused(scene: Scenario, pause: int, stop: int) -> None:
    with pytest.raises(BadSleep):
        change_project(scene.project, by=BY, pause_minutes=pause, stop_minutes=stop)
    scene.project.refresh_from_db()
    assert (scene.project.pause_minutes, scene.project.stop_minutes) == (10, 60)


def line(label: str, **more: object) -> str:
    began = {"StartUTC": timezone.now().isoformat().replace("+00:00", "123Z"), "Duration": 2_000_000}
    return json.dumps({"RouterName": f"{label}.whole@file", "OriginStatus": 200, **began, **more}) + "\n"


def test_visits_are_read_once_and_only_those_that_reach_it_count(scene: Scenario, tmp_path: Path) -> None:
    file, name = tmp_path / "visits", scene.environment.name
    log = visits.Visits(file)
    assert log.read() == 0 and not log.known
    unfinished = line(name)[:20]
    file.write_text(
        "not json\n" + line("another") + line(name, OriginStatus=0)
        + line(name, **{"request_User-Agent": "kube-probe/1.30"}) + unfinished
    )  # fmt: skip
    pass_time(scene, 11)
    assert log.read() == 0 and log.known
    with file.open("a") as opened:
        opened.write(line(name)[20:])
    assert log.read() == 1 and log.read() == 0
    assert idle.put_to_sleep(visits_known=True) == 0, "it was visited a moment ago"
    file.write_text(line(name))  # emptied by somebody else
    assert log.read() == 1


def test_the_file_is_emptied_when_it_is_long(
    scene: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "visits"
    monkeypatch.setattr(visits, "LONGEST", 500)
    log = visits.Visits(file)
    file.write_text(line(scene.environment.name) * 10)
    assert log.read() == 1 and file.stat().st_size == 0
    file.write_text(line(scene.environment.name))
    assert log.read() == 1 and file.stat().st_size > 0


@pytest.mark.parametrize(
    "headers",
    [
        {"User-Agent": "kube-probe/1.29"},
        {"User-Agent": "GoogleHC/1.0"},
        {"User-Agent": "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)"},
        {"User-Agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"},
        {"User-Agent": "facebookexternalhit/1.1"},
        {"User-Agent": "Mozilla/5.0 Firefox/140", "Sec-Purpose": "prefetch;prerender"},
        {"User-Agent": "Mozilla/5.0 Firefox/140", "X-Moz": "prefetch"},
        {"Purpose": "prefetch"},
    ],
)
def test_programs_that_only_look_do_not_count(headers: dict[str, str]) -> None:
    assert not callers.counts(headers)


@pytest.mark.parametrize(
    "agent", ["", "curl/8.5", "Mozilla/5.0 Firefox/140", "python-requests/2", "Stripe/1.0"]
)
def test_others_do(agent: str) -> None:
    assert callers.counts({"User-Agent": agent})


def test_only_some_may_pin_put_to_sleep_and_wake() -> None:
    cast = Cast()
    pull = factories.pull_request(factories.project(cast.workspace, "shop"))
    environment = factories.running(pull)
    orders = ("pin", "unpin", "sleep", "wake")
    for person, status in ((cast.bob, 403), (cast.charlie, 404), (cast.alice, 200)):
        client = Client()
        client.force_login(person)
        for order in orders:
            answer = client.post(f"/api/v1/environments/{environment.pk}/{order}")
            assert answer.status_code == status, (order, answer.content)
        for order in orders:
            page = client.post(f"/environments/{environment.pk}/{order}")
            assert page.status_code == (302 if status == 200 else status), order
        environment.refresh_from_db()
        assert (environment.state, environment.pinned) == ("running", False)
    assert AuditEntry.objects.filter(action="environment.pin").count() == 2
