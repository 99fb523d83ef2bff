"""Local pull requests are announced once, despite every failure, and at little cost."""

import os
from pathlib import Path

import psycopg
import pytest
from django.db import connections
from django.utils import timezone
from structlog.testing import capture_logs

from seatrial.control.audit.actors import Actor
from seatrial.control.forges.local import announcing, git, services
from seatrial.control.forges.local.forge import LocalForge
from seatrial.control.forges.local.models import LocalPullRequest
from seatrial.control.forges.local.pulls import CHANNEL
from seatrial.control.projects.models import Connection, Project, PullRequest
from tests.forges.conftest import Work, announce_all
from tests.forges.test_local_forge import announced, project, reach

__all__ = ["project"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


def test_while_the_server_is_away_nothing_is_lost_or_said_twice(
    project: Project, work: Work, settings
) -> None:
    there = settings.CONFIGURATION.internal_url
    reach(settings, "http://127.0.0.1:9")
    work.commit("x", branch="feature")
    services.open_pull(project, "feature", by=Actor.person("alice"))
    assert announce_all() == 0
    reach(settings, there)
    assert announce_all() == 1
    # A crash between the answer and our note of it: the same delivery again, which the intake knows.
    LocalPullRequest.objects.update(announced_sha="", announced_state="", announcements=0)
    assert announce_all() == 1
    assert [action for action, *_ in announced()] == ["opened"]


def test_what_a_person_asks_for_wakes_the_worker(project: Project, work: Work) -> None:
    work.commit("x", branch="feature")
    database = connections["default"].settings_dict
    where = {
        "host": database["HOST"],
        "port": database["PORT"],
        "dbname": database["NAME"],
        "user": database["USER"],
    }
    with psycopg.connect(**where, password=database["PASSWORD"], autocommit=True) as listener:
        listener.execute(f"LISTEN {CHANNEL}")
        for ask in (services.open_pull, services.close_pull):
            ask(project, "feature", by=Actor.person("alice"))
            assert len(list(listener.notifies(timeout=30, stop_after=1))) == 1, ask


def test_a_wrong_secret_is_refused_and_tried_again_once_it_is_right(
    project: Project, work: Work, connection
) -> None:
    work.commit("x", branch="feature")
    services.open_pull(project, "feature", by=Actor.person("alice"))
    right, connection.webhook_secret = connection.webhook_secret, ""
    connection.save()
    assert announce_all() == 0
    connection.webhook_secret = right
    connection.save()
    assert announce_all() == 1


def test_packed_branches_and_worktrees_are_seen(project: Project, work: Work) -> None:
    work.commit("x", branch="feature")
    services.open_pull(project, "feature", by=Actor.person("alice"))
    announce_all()
    work.git("pack-refs", "--all")
    assert announce_all() == 0
    sha = work.commit("y")
    work.git("pack-refs", "--all")
    announce_all()
    assert announced()[-1] == ("synchronize", 1, sha)


@pytest.mark.parametrize("packed", [False, True])
def test_nothing_changed_costs_one_query_and_no_process(
    project: Project, work: Work, django_assert_num_queries, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    work.commit("x", branch="feature")
    services.open_pull(project, "feature", by=Actor.person("alice"))
    if packed:
        work.git("gc", "-q")
    announce_all()
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", "/nonexistent")  # git would not be found
    with django_assert_num_queries(1):
        assert announce_all() == 0
    monkeypatch.setenv("PATH", path)
    sha = work.commit("y")
    assert announce_all() == 1
    assert announced()[-1] == ("synchronize", 1, sha)


def test_a_change_costs_the_same_however_many_are_open(
    project: Project, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        work.git("branch", f"feature-{number}")
        services.open_pull(project, f"feature-{number}", by=Actor.person("alice"))
    work.git("pack-refs", "--all")
    announce_all()
    work.git("branch", "another")
    work.git("pack-refs", "--all")
    asked: list[str] = []
    run = git.run

    def count(directory: Path, *arguments: str, **options: bool) -> str:
        asked.append(arguments[0])
        return run(directory, *arguments, **options)

    monkeypatch.setattr(git, "run", count)
    assert announce_all() == 0
    assert asked == ["rev-parse", "for-each-ref"]


@pytest.mark.parametrize("date", ["9999999999999999 +0000", "99999999999 +9999", "0 -1400"])
def test_an_odd_date_of_a_commit_stops_neither_it_nor_others(
    project: Project, work: Work, date: str, tmp_path: Path, connection: Connection
) -> None:
    tree = work.git("rev-parse", "HEAD^{tree}")
    raw = tmp_path / "raw"
    raw.write_text(
        f"tree {tree}\nauthor Ann <a@example.test> {date}\ncommitter Ann <a@example.test> {date}\n\nOdd\n"
    )
    odd = work.git("hash-object", "-t", "commit", "-w", "--literally", str(raw))
    work.git("update-ref", "refs/heads/odd", odd)
    services.open_pull(project, "odd", by=Actor.person("alice"))
    assert announce_all() == 1
    assert [event.title for event in LocalForge().open_pull_requests(project)] == ["Odd"]
    assert announced()[-1] == ("opened", 1, odd)


def test_what_nobody_expected_of_one_pull_request_stops_no_other(
    project: Project, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.open_pull(project, "main", by=Actor.person("alice"))
    work.commit("x", branch="feature")
    services.open_pull(project, "feature", by=Actor.person("alice"))
    observe = announcing.pull_request_payload

    def fails(row: LocalPullRequest, *rest: object) -> object:
        if row.branch == "main":
            raise ValueError("year -1 is out of range")
        return observe(row, *rest)

    monkeypatch.setattr(announcing, "pull_request_payload", fails)
    with capture_logs() as lines:
        assert announce_all() == 1
        assert announce_all() == 0
    assert [line["event"] for line in lines] == ["local pull request not announced"], "said once"


def test_a_server_that_never_answers_its_worker_is_named_once(
    project: Project, settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.open_pull(project, "main", by=Actor.person("alice"))
    there = settings.CONFIGURATION.internal_url
    announcer = announcing.Announcer()
    reach(settings, "http://127.0.0.1:9")
    with capture_logs() as lines:
        announcer.announce_all()
        assert not lines, "the web process may be starting"
        monkeypatch.setattr(announcing, "SILENT_SECONDS", -1.0)
        for _ in range(3):
            announcer.announce_all()
    assert [line["address"] for line in lines] == ["http://127.0.0.1:9"]
    assert "GALLEY_INTERNAL_URL" in lines[0]["event"]
    reach(settings, there)
    assert announcer.announce_all() == 1


def test_the_pull_requests_of_an_archived_project_rest(project: Project, work: Work) -> None:
    services.open_pull(project, "main", by=Actor.person("alice"))
    Project.objects.update(archived_at=timezone.now())
    assert announce_all() == 0
    assert not PullRequest.objects.exists()
