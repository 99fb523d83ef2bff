"""Who may try policies, by REST and on pages; what they get, and what is said of what cannot be done."""

import json
from typing import Any

import pytest
from django.test import Client

from seatrial.control.accounts import tokens
from seatrial.control.accounts.models import Membership, Role, User
from seatrial.control.audit.actors import Actor
from seatrial.control.policies.models import Evaluation, PolicyVersion, Replay, Trial
from seatrial.control.policies.trials import replays, results
from seatrial.control.policies.trials.drafts import of_file
from seatrial.control.policies.trials.shown import bar
from seatrial.control.policies.trials.summaries import Counts
from seatrial.control.projects.models import Project
from seatrial.wire.evaluations import PolicyResult
from seatrial.wire.states import ResultState, TrialState
from seatrial.wire.trials import TrialFinished, TrialResult
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
COMMIT = "a" * 40
CODE = """
TESTS = [{"name": "there", "input": {"files": {"README.md": "x"}}, "expected": {"passed": True}}]
def evaluate(project):
    return {"passed": True}
"""
FILE = {"slug": "readme", "code": CODE}


@pytest.fixture
def cast() -> factories.Cast:
    made = factories.Cast()
    dora = factories.user("dora")
    Membership.objects.create(workspace=made.workspace, user=dora, role=Role.DEVELOPER)
    return made


@pytest.fixture
def project(cast: factories.Cast) -> Project:
    made = factories.project(cast.workspace)
    Evaluation.objects.create(project=made, commit=COMMIT, ref="refs/heads/main", event="push")
    return made


@pytest.fixture
def version(cast: factories.Cast) -> PolicyVersion:
    made = factories.policy(cast.workspace, "Readme")
    PolicyVersion.objects.filter(pk=made.pk).update(code=CODE, tests=of_file("readme", CODE).tests)
    made.refresh_from_db()
    return made


def rest(name: str) -> Any:
    """`rest("dora")("post", "/policies/tests", {...})`: the status and the document."""
    token = tokens.issue(User.objects.get(username=name), "test", by=Actor.person("test"))
    headers = {"Authorization": f"Bearer {token}"}

    def ask(method: str, path: str, body: Any = None) -> tuple[int, Any]:
        answer = Client().generic(
            method, f"/api/v1{path}", json.dumps(body or {}), "application/json", headers=headers
        )
        return answer.status_code, answer.json()

    return ask


def signed_in(name: str) -> Client:
    client = Client()
    client.force_login(User.objects.get(username=name))
    return client


def test_developers_try_viewers_look_and_strangers_see_nothing(
    version: PolicyVersion, project: Project
) -> None:
    policy = version.policy.pk
    orders = [
        (f"/policies/{policy}/tests", {}),
        (f"/policies/{policy}/trials", {"project": project.pk}),
        (f"/policies/{policy}/replays", {}),
        ("/policies/tests", {"workspace": "harbour", "files": [FILE]}),
        ("/policies/trials", {**FILE, "project": project.pk}),
    ]
    for path, body in orders:
        assert rest("bob")("post", path, body)[0] == 403, path
        assert rest("charlie")("post", path, body)[0] == 404, path
        status, document = rest("dora")("post", path, body)
        assert status == 200, document
    trial, replay = Trial.objects.filter(replay=None).first(), Replay.objects.get()
    assert trial is not None
    looks = [
        f"/trials/{trial.pk}",
        f"/replays/{replay.pk}",
        f"/replays/{replay.pk}/trials",
        f"/policies/{policy}/trials",
        f"/policies/{policy}/replays",
    ]
    for path in looks:
        assert rest("bob")("get", path)[0] == 200 and rest("charlie")("get", path)[0] == 404
    for path in (
        f"/policies/harbour/{version.policy.slug}/trials",
        f"/trials/{trial.pk}",
        f"/replays/{replay.pk}",
    ):
        assert (
            signed_in("bob").get(path).status_code == 200
            and signed_in("charlie").get(path).status_code == 404
        )
    for path in (
        f"/trials/of/{policy}/try",
        f"/trials/of/{policy}/test",
        f"/trials/of/{policy}/replay",
        f"/replays/{replay.pk}/cancel",
    ):
        assert (
            signed_in("bob").post(path).status_code == 403
            and signed_in("charlie").post(path).status_code == 404
        )
    cancel = f"/replays/{replay.pk}/cancel"
    assert (rest("bob")("post", cancel)[0], rest("charlie")("post", cancel)[0]) == (403, 404)
    assert rest("dora")("post", cancel)[1]["state"] == TrialState.CANCELLED


def test_the_page_of_a_policy_has_its_tests_and_trials(version: PolicyVersion, project: Project) -> None:
    for name, button in (("dora", True), ("bob", False)):
        answer = signed_in(name).get(f"/policies/harbour/{version.policy.slug}")
        page = answer.content.decode()
        assert (
            answer.status_code == 200 and "Tests and trials" in page and ("Run the tests" in page) is button
        )


def test_a_project_of_another_workspace_is_not_tried_on(version: PolicyVersion, cast: factories.Cast) -> None:
    factories.Membership.objects.create(workspace=cast.elsewhere, user=cast.alice, role=Role.OWNER)
    elsewhere = factories.project(cast.elsewhere)
    Evaluation.objects.create(project=elsewhere, commit=COMMIT, ref="refs/heads/main", event="push")
    status, _ = rest("alice")("post", f"/policies/{version.policy.pk}/trials", {"project": elsewhere.pk})
    assert status == 404 and not Trial.objects.exists()
    answer = signed_in("alice").post(
        f"/trials/of/{version.policy.pk}/try", {"project": elsewhere.pk}, follow=True
    )
    assert "own workspace" in answer.content.decode() and not Trial.objects.exists()


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"files": [{"slug": "p", "code": "def evaluate("}]}, 400, "p: line 1"),
        ({"files": [{"slug": "p", "code": "TESTS = [1]"}]}, 400, "test 1 is 1"),
        ({"files": [{"slug": "p", "code": "def evaluate(project): pass"}]}, 400, "p: no tests"),
        ({"files": []}, 422, "files"),
        ({"files": [{"slug": "../p", "code": ""}]}, 422, "slug"),
        (
            {"files": [{"slug": "p", "code": f"x = {'y' * 150_000!r}\n{CODE}"}] * 8},
            400,
            "too much to try at once",
        ),
    ],
)
def test_what_is_wrong_with_files_is_said(cast: factories.Cast, body: Any, status: int, said: str) -> None:
    code, document = rest("dora")("post", "/policies/tests", {"workspace": "harbour", **body})
    assert code == status and said in document["error"]["message"]
    assert not Trial.objects.exists()


def test_a_trial_is_shown_with_what_it_said_and_escapes_it(version: PolicyVersion, project: Project) -> None:
    client = signed_in("dora")
    answer = client.post(f"/trials/of/{version.policy.pk}/try", {"project": project.pk, "commit": "aaaa"})
    trial = Trial.objects.get()
    assert answer["Location"] == f"/trials/{trial.pk}"
    said = PolicyResult(
        version_id=version.pk, slug="readme", state=ResultState.FAILED, message="<b>no</b>", score=0
    )
    results.finished("a", TrialFinished(trial=trial.pk, results=[TrialResult(result=said)]))
    page = client.get(f"/trials/{trial.pk}").content.decode()
    assert "&lt;b&gt;no&lt;/b&gt;" in page and "Readme on a commit" in page
    assert rest("bob")("get", f"/trials/{trial.pk}")[1]["results"][0]["agrees"] is None
    listed = client.get(f"/policies/harbour/{version.policy.slug}/trials").content.decode()
    assert f"/trials/{trial.pk}" in listed


def test_orders_that_cannot_be_done_say_why_on_the_page_they_came_from(
    version: PolicyVersion, project: Project
) -> None:
    client = signed_in("dora")
    for form, said in (
        ({"project": project.pk, "commit": "zzz"}, "No commit zzz"),
        ({"project": ""}, "Choose a project"),
        ({"project": project.pk, "code": "def"}, "line 1"),
    ):
        answer = client.post(
            f"/trials/of/{version.policy.pk}/try",
            form,
            follow=True,
            headers={"Referer": "http://testserver/policies"},
        )
        assert said in answer.content.decode() and answer.redirect_chain[-1][0] == "/policies"
    answer = client.post(f"/trials/of/{version.policy.pk}/replay", {"commits": "1e3"}, follow=True)
    assert "how many commits" in answer.content.decode()
    answer = client.post(
        f"/trials/of/{version.policy.pk}/test", {"code": CODE}, headers={"Referer": "http://evil.test/"}
    )
    assert Trial.objects.get().version is None and answer["Location"].startswith("/trials/")


def test_the_page_of_a_replay_has_each_project_and_what_changes(
    version: PolicyVersion, project: Project
) -> None:
    newer = of_file("readme", CODE)
    replay = replays.replay(
        project.workspace, newer, version=None, wanted=replays.Wanted(), by=Actor.person("dora")
    )
    trial = replay.trials.get()
    pair = [(newer.key, "failed"), (version.pk, "passed")]
    rows = [
        TrialResult(
            result=PolicyResult(version_id=key, slug="readme", state=ResultState(state), message=state)
        )
        for key, state in pair
    ]
    results.finished("a", TrialFinished(trial=trial.pk, results=rows))
    page = signed_in("bob").get(f"/replays/{replay.pk}").content.decode()
    assert "Newly failing" in page and project.name in page and 'aria-label="1 newly failing"' in page
    assert "Cancel" not in page
    counts = rest("bob")("get", f"/replays/{replay.pk}")[1]["counts"]
    assert (counts["newly_failing"], counts["error_rate"], counts["commits"]) == (1, 0.0, 1)
    assert "By the version in force" in signed_in("bob").get(f"/trials/{trial.pk}").content.decode()


def test_a_bar_has_only_parts_that_are_there_and_is_as_long_as_its_commits() -> None:
    counts = Counts(commits=10, passed=6, failed=3, errored=1, newly_failing=1, newly_passing=2)
    parts = bar(counts, 20)
    assert [(part.kind, part.commits, part.start, part.width) for part in parts] == [
        ("newly_failing", 1, 0.0, 5.0),
        ("failed_before", 2, 5.0, 10.0),
        ("errored", 1, 15.0, 5.0),
        ("newly_passing", 2, 20.0, 10.0),
        ("passed_before", 4, 30.0, 20.0),
    ]
    assert bar(Counts(), 0) == []
