"""Pages, the REST interface and the command line show the same states and counts."""

import re
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from django.db import transaction
from django.test import Client

from seatrial.cli.status import status
from seatrial.control.previews import lifecycle
from seatrial.control.previews.models import Environment
from seatrial.control.previews.shown import in_progress, shown_state
from seatrial.wire.words import StopCause
from tests import factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


class Told:
    """What each of the three says about one project's only preview, and about all previews."""

    def __init__(self, cast: make.Cast, environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
        self._client = Client()
        self._client.force_login(cast.bob)
        self._environment = environment
        monkeypatch.setattr(
            "seatrial.cli.status.connect",
            lambda _: SimpleNamespace(get=lambda path: self._client.get(f"/api/v1{path}").json()),
        )

    def words(self, capsys: pytest.CaptureFixture[str]) -> list[str]:
        key, name = self._environment.pk, self._environment.name
        badge = re.search(
            r'<span class="badge \w+ big">.*?</svg>(.*?)</span>', self._page(f"/environments/{key}")
        )
        assert badge is not None
        status()
        line = re.search(rf"{name} (\w+)", capsys.readouterr().out)
        assert line is not None
        one = self._client.get(f"/api/v1/environments/{key}").json()["state"]
        (project,) = self._client.get("/api/v1/status").json()["projects"]
        return [badge[1].lower(), one, project["environments"][0]["state"], line[1]]

    def counts(self, capsys: pytest.CaptureFixture[str]) -> list[tuple[int, ...]]:
        """Running, in progress and failed."""
        text = re.sub(r"<[^>]*>", "", self._page("/"))
        page = re.search(r"(\d+) previews? running\s*(\d+) in progress\s*(\d+) failed", text)
        status()
        line = re.search(r"previews: (\d+) running, (\d+) in progress, (\d+) failed", capsys.readouterr().out)
        rest = self._client.get("/api/v1/status").json()["previews"]
        assert page is not None and line is not None
        return [
            tuple(map(int, page.groups())),
            (rest["running"], rest["in_progress"], rest["failed"]),
            tuple(map(int, line.groups())),
        ]

    def _page(self, path: str) -> str:
        return self._client.get(path).content.decode()


def running(cast: make.Cast, **agent: str) -> Environment:
    pull = make.pull_request(make.project(cast.workspace))
    return make.running(pull, agent=make.agent(**agent))


def with_failing_check(cast: make.Cast) -> Environment:
    environment = running(cast)
    make.evaluation(environment.pull_request, state="failed")
    return environment


def with_newer_commit(cast: make.Cast) -> Environment:
    environment = running(cast)
    environment.candidate = make.deployment(environment, state="building")
    environment.save()
    return environment


def on_offline_agent(cast: make.Cast) -> Environment:
    return running(cast, state="offline")


def first_failed(cast: make.Cast) -> Environment:
    pull = make.pull_request(make.project(cast.workspace))
    environment = make.environment(pull, agent=make.agent())
    make.deployment(environment, state="failed", reason="build_failed")
    return environment


def with_newer_commit_that_failed(cast: make.Cast) -> Environment:
    environment = running(cast)
    make.deployment(environment, state="failed", reason="build_failed")
    return environment


def being_removed(cast: make.Cast) -> Environment:
    environment = running(cast)
    with transaction.atomic():
        lifecycle.terminate(environment, cause=StopCause.PERSON, stopped_by="bob")
    return environment


@pytest.mark.parametrize(
    ("made", "word", "counts"),
    [
        (with_failing_check, "running", (1, 0, 0)),
        (with_newer_commit, "running", (1, 1, 0)),
        (with_newer_commit_that_failed, "running", (1, 0, 0)),
        (on_offline_agent, "running", (1, 0, 0)),
        (first_failed, "failed", (0, 0, 1)),
        (being_removed, "terminated", (0, 0, 0)),
    ],
)
def test_all_three_say_the_same(
    made: Callable[[make.Cast], Environment],
    word: str,
    counts: tuple[int, int, int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cast = make.Cast()
    told = Told(cast, made(cast), monkeypatch)
    assert told.words(capsys) == [word] * 4
    assert told.counts(capsys) == [counts] * 3


def test_what_is_shown_where_a_deployment_failed() -> None:
    assert shown_state("pending", "failed") == "failed"
    assert shown_state("pending", None) == "pending"
    assert [shown_state(state, "failed") for state in ("running", "terminated")] == ["running", "terminated"]


def test_only_what_is_not_over_is_in_progress() -> None:
    assert in_progress("building", "queued") and in_progress("running", "starting")
    assert not in_progress("running", "live") and not in_progress("pending", None)
    assert not in_progress("terminated", "building")
