"""Commands in comments, from the comment at GitHub to what happens and what is answered there."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from werkzeug.wrappers import Response

from seatrial.control.audit.models import AuditEntry
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.github.forge import GitHubForge
from seatrial.control.forges.models import Delivery
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.projects.models import CommandComment, Project
from seatrial.control.triggers import commented, obeying
from seatrial.control.triggers.obeying import obey
from tests.forges.hosts import happenings
from tests.forges.hosts.site import Comment, Pull
from tests.triggers.conftest import wait_is_over
from tests.triggers.hosted import BOT, SHOP, DeliveringHere, handle, project

__all__ = ["project"]  # a fixture
pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
Lanes = Callable[[], None]
Say = Callable[..., Comment]


@pytest.fixture
def pull(site: DeliveringHere, project: Project, lanes: Lanes) -> Pull:
    """Ann, who may write, opened it; Mallory is nobody there."""
    site.repositories[SHOP].members["ann"] = "write"
    site.person("mallory")
    pull = site.open_pull(SHOP, "feature", author="ann")
    handle()
    lanes()
    return pull


@pytest.fixture
def say(site: DeliveringHere, pull: Pull, lanes: Lanes) -> Say:
    """Somebody comments, and everything that follows is done."""

    def run(body: str, author: str = "ann") -> Comment:
        written = happenings.comment(site, SHOP, pull.number, author, body)
        handle()
        lanes()
        return written

    return run


def environment() -> Environment:
    return Environment.objects.order_by("-id")[0]


def replies(pull: Pull, to: Comment) -> list[str]:
    return [one.body for one in pull.comments if f"seatrial:reply-{to.id} " in one.body]


def outcome() -> str:
    return Delivery.objects.order_by("-id")[0].outcome


@pytest.mark.parametrize("which", ["github", "gitlab", "gitea"])
def test_a_rebuild_builds_again_and_is_acknowledged(pull: Pull, say: Say) -> None:
    written = say("Once more please\n\n/preview rebuild")
    assert [one.no_cache for one in Deployment.objects.order_by("id")] == [False, True]
    assert written.reactions == {(BOT, "+1")} and replies(pull, written) == []
    entry = AuditEntry.objects.get(action="environment.rebuild")
    assert entry.actor.startswith("ann (forge:") and entry.actor_kind == "forge"


def test_a_stop_stops(pull: Pull, say: Say) -> None:
    assert say("/preview stop").reactions == {(BOT, "+1")}
    assert environment().state == "terminated" and environment().stopped_by.startswith("ann (forge:")
    refused = say("/preview stop")
    assert refused.reactions == {(BOT, "confused")}
    (reply,) = replies(pull, refused)
    assert "`/preview stop`: " in reply and "is stopped already" in reply.replace("\\", "")


def test_an_extension_is_told_in_a_reply(pull: Pull, say: Say) -> None:
    before = environment().expires_at
    written = say("/preview extend")
    after = environment().expires_at
    assert before is not None and after is not None and after - before == timedelta(hours=72)
    (reply,) = replies(pull, written)
    assert f"{after:%Y-%m-%d %H:%M} UTC" in reply and written.reactions == {(BOT, "+1")}
    assert f"{after:%Y-%m-%d at %H:%M}" in pull.comments[0].body or environment().live is None


def test_a_rerun_evaluates_the_same_commit_again(say: Say) -> None:
    Evaluation.objects.update(state="failed", finished_at=timezone.now())
    assert say("/policy rerun").reactions == {(BOT, "+1")}
    assert Evaluation.objects.count() == 2
    assert say("/policy rerun").reactions == {(BOT, "+1")}
    assert Evaluation.objects.count() == 2, "the one in progress is enough"


@pytest.mark.parametrize("which", ["github", "gitlab", "gitea"])
def test_an_unknown_command_gets_the_list_of_all(pull: Pull, say: Say) -> None:
    written = say("/preview @all<b>")
    (reply,) = replies(pull, written)
    assert "- `/preview rebuild`" in reply and "- `/policy rerun`" in reply
    assert written.reactions == {(BOT, "confused")}
    handle()  # our own reply came back as a webhook, too
    assert CommandComment.objects.count() == 1


def test_several_commands_are_answered_together(pull: Pull, say: Say) -> None:
    written = say("/policy rerun\n/preview explode\n/preview extend")
    (reply,) = replies(pull, written)
    assert "explode" in reply and "lives until" in reply and written.reactions == {(BOT, "confused")}


@pytest.mark.parametrize(
    ("which", "role"),
    [("github", ""), ("github", "triage"), ("gitlab", ""), ("gitlab", "read"), ("gitea", "read")],
)
def test_a_stranger_gets_a_reaction_and_nothing_else(
    site: DeliveringHere, pull: Pull, say: Say, role: str
) -> None:
    if role:
        site.repositories[SHOP].members["mallory"] = role
    written = say("/preview stop\n/preview explode", "mallory")
    assert written.reactions == {(BOT, "confused")} and replies(pull, written) == []
    assert environment().state == "building"


def test_strangers_cannot_make_us_talk_without_end(site: DeliveringHere, pull: Pull, say: Say) -> None:
    asked = len([one for one in site.asked if "/permission" in one])
    written = [say("/preview stop", "mallory") for _ in range(commented.MOST_OF_ONE + 5)]
    reactions = sum(len(one.reactions) for one in written)
    assert reactions == obeying.MOST_REFUSALS
    assert len([one for one in site.asked if "/permission" in one]) == asked + 1
    assert "comments with commands in an hour" in outcome()
    assert say("/preview stop").reactions == {(BOT, "+1")}, "others are heard all the same"


def test_what_a_comment_says_of_its_author_is_not_believed(
    site: DeliveringHere, pull: Pull, say: Say, lanes: Lanes
) -> None:
    hosted = site.repositories[SHOP]
    written = Comment(4_000, "mallory", "/preview stop")
    pull.comments.append(written)
    event, payload = site.comment_payload(hosted, pull, written, "created")
    payload["comment"]["author_association"] = "OWNER"
    site.send(hosted, event, payload)
    handle()
    lanes()
    assert environment().state == "building" and written.reactions == {(BOT, "confused")}


@pytest.mark.parametrize("which", ["github", "gitlab", "gitea"])
def test_a_comment_is_obeyed_once_however_often_it_is_delivered(
    site: DeliveringHere, pull: Pull, say: Say, lanes: Lanes
) -> None:
    written = say("/preview rebuild")
    hosted = site.repositories[SHOP]
    for _ in range(3):
        site.send(hosted, *site.comment_payload(hosted, pull, written, "created"))
    handle()
    lanes()
    assert Deployment.objects.count() == 2 and "are known" in outcome()


def test_edits_are_not_obeyed(site: DeliveringHere, pull: Pull, say: Say, lanes: Lanes) -> None:
    written = say("never mind")
    happenings.edit_comment(site, SHOP, pull.number, written, "/preview stop")
    handle()
    lanes()
    assert environment().state == "building" and not CommandComment.objects.exists()


def test_our_own_comments_are_not_obeyed(pull: Pull, say: Say) -> None:
    written = say("/preview stop", BOT)
    assert environment().state == "building" and written.reactions == set()
    copied = say("/preview stop\n<!-- seatrial:pull-request -->")
    assert environment().state == "building" and copied.reactions == set()


def test_what_was_done_is_not_done_again_when_the_answer_fails(
    site: DeliveringHere, pull: Pull, say: Say, lanes: Lanes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        site.faults.append(Response("", 502))
        monkeypatch.undo()
        raise obeying.CannotObey("no answer")

    monkeypatch.setattr(GitHubForge, "acknowledge", fails)
    written = happenings.comment(site, SHOP, pull.number, "ann", "/preview rebuild")
    handle()
    lanes()
    assert written.reactions == set() and Deployment.objects.count() == 2
    site.faults.clear()
    wait_is_over()
    lanes()
    assert written.reactions == {(BOT, "+1")} and Deployment.objects.count() == 2


def test_logs_are_replied_without_effect(
    site: DeliveringHere, pull: Pull, lanes: Lanes, forges: Forges
) -> None:
    written = happenings.comment(site, SHOP, pull.number, "ann", "/preview logs")
    handle()
    row = CommandComment.objects.get()
    lines = [f"web: line {number}" for number in range(80)] + ["web: ```\x1b[2J @all"]
    obey(forges, lambda _: lines, {"comment": row.pk})
    (reply,) = replies(pull, written)
    assert "line 79" in reply and "line 10\n" not in reply and "\x1b" not in reply
    assert "\n````\n" in reply and f"/environments/{environment().pk}" in reply


def test_a_closed_pull_request_says_so(site: DeliveringHere, pull: Pull, say: Say) -> None:
    site.close_pull(SHOP, pull.number)
    for line in ("/preview rebuild", "/policy rerun"):
        written = say(line)
        (reply,) = replies(pull, written)
        assert "closed" in reply and written.reactions == {(BOT, "confused")}
