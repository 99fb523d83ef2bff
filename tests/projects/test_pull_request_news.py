"""Deliveries repeat, overtake each other and get lost; what we know follows the forge's clock."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from seatrial.control.accounts.models import Workspace
from seatrial.control.projects.events import PullRequestAction, PullRequestChanged
from seatrial.control.projects.models import Project, PullRequest
from seatrial.control.projects.services import apply_pull_request, ensure_connection, ensure_project
from tests.examples import examples

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

START = datetime(2026, 1, 1, tzinfo=UTC)
A = PullRequestAction


def make_project() -> Project:
    workspace = Workspace.objects.create(slug="ours", name="Ours")
    connection = ensure_connection(workspace, "local", "here", webhook_secret="s")
    return ensure_project(connection, "/r", name="r", clone_url="/r", web_url="", default_branch="main")


def news(tick: int, action: PullRequestAction, sha: str | None = None, number: int = 1) -> PullRequestChanged:
    return PullRequestChanged(
        external_id="/r",
        number=number,
        action=action,
        head_sha=sha or f"{tick:040x}",
        branch="b",
        base_branch="main",
        title="t",
        author="a",
        from_fork=False,
        changed_at=START + timedelta(seconds=tick),
    )


def state() -> tuple[str, str]:
    row = PullRequest.objects.get()
    return row.state, row.head_sha


def test_in_order() -> None:
    project = make_project()
    for tick, action in enumerate((A.OPENED, A.SYNCHRONIZE, A.CLOSED, A.REOPENED)):
        assert apply_pull_request(project, news(tick, action)) is not None
    assert state() == ("open", f"{3:040x}")


def test_the_same_twice_is_once() -> None:
    project = make_project()
    first, again = (apply_pull_request(project, news(1, A.OPENED)) for _ in range(2))
    assert first is not None and again is not None and first.pk == again.pk


def test_what_a_report_leaves_out_stays_as_it_was_known() -> None:
    project = make_project()
    apply_pull_request(project, replace(news(1, A.OPENED, "a" * 40), base_sha="b" * 40))
    silent = replace(news(2, A.CHANGED, "a" * 40), author="")
    apply_pull_request(project, silent)
    row = PullRequest.objects.get()
    assert (row.author, row.base_sha) == ("a", "b" * 40)
    apply_pull_request(project, replace(silent, base_branch="next", changed_at=START + timedelta(seconds=3)))
    assert PullRequest.objects.get().base_sha == ""  # nobody has said what it is compared with now


def test_older_reports_change_nothing() -> None:
    project = make_project()
    apply_pull_request(project, news(5, A.SYNCHRONIZE))
    assert apply_pull_request(project, news(4, A.SYNCHRONIZE)) is None
    assert state() == ("open", f"{5:040x}")


@pytest.mark.parametrize("late", [A.OPENED, A.SYNCHRONIZE])
@pytest.mark.parametrize("tick", [3, 4, 5])
def test_a_closed_pull_request_stays_closed_even_within_one_tick(late: PullRequestAction, tick: int) -> None:
    project = make_project()
    apply_pull_request(project, news(5, A.CLOSED))
    assert apply_pull_request(project, news(tick, late)) is None
    assert state()[0] == "closed"


def test_a_repository_registered_twice_at_once_is_one_project() -> None:
    project = make_project()
    again = ensure_project(
        project.connection, "/r", name="other", clone_url="/r2", web_url="u", default_branch="trunk"
    )
    assert (again.pk, again.clone_url, again.default_branch, again.name) == (project.pk, "/r2", "trunk", "r")


class AnyOrder(TestCase):
    """Whatever arrives, however often and in whichever order, the newest news wins."""

    @settings(max_examples=examples(20), deadline=None)
    @given(st.data())
    def test_the_end_is_the_same(self, data: st.DataObject) -> None:
        actions = data.draw(st.lists(st.sampled_from([A.SYNCHRONIZE, A.CLOSED, A.REOPENED]), max_size=6))
        history = [news(tick, action) for tick, action in enumerate([A.OPENED, *actions])]
        repeats = data.draw(st.lists(st.sampled_from(history), max_size=6))
        project = make_project()
        for event in data.draw(st.permutations([*history, *repeats])):
            apply_pull_request(project, event)
        expected = "closed" if history[-1].action is A.CLOSED else "open"
        assert state() == (expected, history[-1].head_sha)
