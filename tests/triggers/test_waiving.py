"""From the comment that asks for a waiver to what the commit says at its forge, until the waiver ends."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from seatrial.control.policies.models import Evaluation, PolicyVersion, Waiver
from seatrial.control.policies.services import finished
from seatrial.control.policies.waivers.ending import end_due
from seatrial.control.projects.models import Project
from seatrial.control.triggers.waiving import Asked, CannotWaive, read
from seatrial.wire.evaluations import EvaluationFinished, PolicyResult
from seatrial.wire.states import EvaluationState, ResultState
from tests.forges.hosts import happenings
from tests.forges.hosts.site import Comment, Pull
from tests.triggers.hosted import BOT, SHOP, DeliveringHere, Team, handle, project

__all__ = ["project"]  # a fixture


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("p it is generated", Asked("p", "", 30, "it is generated")),
        ("p, because I say so", Asked("p", "", 30, "because I say so")),
        ("`p` it is", Asked("p", "", 30, "it is")),
        ("p docs/a.env 14d a sample", Asked("p", "docs/a.env", 14, "a sample")),
        ("p docs/ 1 day: a sample", Asked("p", "docs/", 1, "a sample")),
        ("p README.md 90 days a sample", Asked("p", "README.md", 90, "a sample")),
        ("p `my docs` a sample", Asked("p", "my docs", 30, "a sample")),
        ("p 14d a sample", Asked("p", "", 14, "a sample")),
        ("p 3 tests are flaky", Asked("p", "", 30, "3 tests are flaky")),
        ("p 14days-old key", Asked("p", "", 30, "14days-old key")),
        ("p done. really", Asked("p", "", 30, "done. really")),
    ],
)
def test_a_command_is_read(text: str, asked: Asked) -> None:
    assert read(text) == asked


@pytest.mark.parametrize(
    "text", ["", "p", "p 14d", "p docs/a.env", "p docs/a.env 14d", "`", "p " + "/" * 20_000]
)
def test_a_command_without_a_reason_says_how_it_is_written(text: str) -> None:
    with pytest.raises(CannotWaive, match=r"/policy waive no-secrets docs/example\.env 14d why"):
        read(text)


Lanes = Callable[[], None]
Say = Callable[..., tuple[Comment, str]]
EVERYWHERE = pytest.mark.parametrize("which", ["github", "gitlab", "gitea"])


@pytest.fixture
def pull(site: DeliveringHere, project: Project, lanes: Lanes) -> Pull:
    """Ann, who may write, opened it; has-readme failed in docs/a.md."""
    site.repositories[SHOP].members["ann"] = "write"
    site.person("mallory")
    pull = site.open_pull(SHOP, "feature", author="ann")
    handle()
    lanes()
    version = PolicyVersion.objects.get(policy__slug="has-readme")
    found = {"findings": [{"file": "docs/a.md", "line": 1}]}
    result = PolicyResult(
        version_id=version.pk, slug="has-readme", state=ResultState.FAILED, score=0, details=found
    )
    evaluation = Evaluation.objects.get()
    finished(
        "agent", EvaluationFinished(evaluation=evaluation.pk, state=EvaluationState.FAILED, results=[result])
    )
    lanes()
    return pull


@pytest.fixture
def say(site: DeliveringHere, pull: Pull, lanes: Lanes) -> Say:
    """Somebody comments, and everything that follows is done; returns what is replied."""

    def run(body: str, author: str = "ann") -> tuple[Comment, str]:
        written = happenings.comment(site, SHOP, pull.number, author, body)
        handle()
        lanes()
        replies = [one.body for one in pull.comments if f"seatrial:reply-{written.id} " in one.body]
        return written, "".join(replies).replace("\\", "").replace("<!-- -->", "")

    return run


def check(site: DeliveringHere) -> tuple[str, str]:
    """What the commit says about its policies at the forge: the state and the line beside it."""
    shown = {one.context: (one.state, one.description) for one in site.repositories[SHOP].statuses}
    return next(said for context, said in shown.items() if "polic" in context)


pytestmark = [pytest.mark.postgres]


@EVERYWHERE
@pytest.mark.django_db
def test_a_comment_asks_somebody_else_decides_and_the_check_says_so_until_it_ends(
    site: DeliveringHere, pull: Pull, say: Say, team: Team, lanes: Lanes
) -> None:
    failed = check(site)
    written, reply = say("/policy waive has-readme docs/ 14d only a sample")
    waiver = Waiver.objects.get()
    assert written.reactions == {(BOT, "+1")} and f"/waivers/{waiver.pk})" in reply
    assert "`has-readme` in `docs` for 14 days" in reply and "an owner or admin" in reply
    assert waiver.requested_by.startswith("ann (forge:") and waiver.path == "docs"
    assert check(site) == failed, "asking waives nothing"

    assert team.call("developer", "POST", f"/waivers/{waiver.pk}/approve", {})[0] == 403
    assert team.call("stranger", "POST", f"/waivers/{waiver.pk}/approve", {})[0] == 404
    assert team.call("owner", "POST", f"/waivers/{waiver.pk}/approve", {})[0] == 200
    lanes()
    waiver.refresh_from_db()
    state, said = check(site)
    assert state == "success"
    assert (
        said
        == f"passed: has-readme waived by owner (token:test) until {waiver.expires_at:%Y-%m-%d}: only a sample"
    )
    assert "| waived |" in pull.comments[0].body and "1 waived" in pull.comments[0].body

    Waiver.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    end_due()
    lanes()
    assert check(site)[0] == failed[0] and "| failed |" in pull.comments[0].body


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("has-readm so it is", "There is no policy has-readm. There is: has-readme"),
        ("has-readme src/b.md so it is", "found nothing in src/b.md"),
        ("has-readme 91d so it is", "from 1 to 90 days, not 91"),
        ("has-readme ../.. so it is", "not the path of a file or folder"),
        ("has-readme", "Say why"),
    ],
)
def test_what_cannot_be_waived_is_said(pull: Pull, say: Say, line: str, why: str) -> None:
    written, reply = say(f"/policy waive {line}")
    assert why in reply and written.reactions == {(BOT, "confused")} and not Waiver.objects.exists()


@pytest.mark.django_db
def test_a_policy_that_did_not_fail_has_nothing_to_waive(pull: Pull, say: Say) -> None:
    Evaluation.objects.get().results.update(state=ResultState.PASSED)
    assert "has-readme is passed" in say("/policy waive has-readme so it is")[1]
    Evaluation.objects.update(state="running")
    assert "have not all run yet" in say("/policy waive has-readme so it is")[1]
    PolicyVersion.objects.create(policy=PolicyVersion.objects.get().policy, number=2, code="", digest="")
    Evaluation.objects.update(state="failed")
    Evaluation.objects.get().results.update(state=ResultState.FAILED)
    assert "has a new version since it ran" in say("/policy waive has-readme so it is")[1]


@pytest.mark.django_db
def test_asking_twice_names_the_first_request(pull: Pull, say: Say) -> None:
    say("/policy waive has-readme so it is")
    _, reply = say("/policy waive has-readme so it is")
    assert "has asked for it already" in reply and Waiver.objects.count() == 1


@pytest.mark.django_db
def test_a_stranger_at_the_forge_cannot_ask(pull: Pull, say: Say) -> None:
    written, reply = say("/policy waive has-readme so it is", "mallory")
    assert written.reactions == {(BOT, "confused")} and reply == "" and not Waiver.objects.exists()


@pytest.mark.django_db
def test_whoever_asked_in_a_comment_does_not_approve_it_here(pull: Pull, say: Say, team: Team) -> None:
    team.people["owner"].username = "Ann"
    team.people["owner"].save()
    say("/policy waive has-readme so it is")
    status, answer = team.call("owner", "POST", f"/waivers/{Waiver.objects.get().pk}/approve", {})
    assert (status, answer["error"]["code"]) == (403, "own_request")
