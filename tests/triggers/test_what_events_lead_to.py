"""Drafts, labels, bases, merges, merge queues: from GitHub's webhook to what is there afterwards, and what GitHub is told."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import timezone

from seatrial.control.audit.actors import Actor
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.models import Delivery
from seatrial.control.policies.models import Evaluation, Policy
from seatrial.control.policies.source.models import PolicySource
from seatrial.control.previews.models import Environment
from seatrial.control.projects.changing import ProjectSettings, change_project
from seatrial.control.projects.events import PullRequestAction, PullRequestChanged
from seatrial.control.projects.models import Project, PullRequest
from seatrial.control.triggers.comparing import compare
from seatrial.control.triggers.events import pull_request_changed
from seatrial.control.worker import sweeps
from tests.forges.hosts import happenings
from tests.forges.hosts.github import GitHubSite
from tests.forges.hosts.site import Pull
from tests.repositories import commit
from tests.triggers.hosted import SHOP, DeliveringHere, handle, project

__all__ = ["project"]  # a fixture
pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
Lanes = Callable[[], None]
QUEUE = "refs/heads/gh-readonly-queue/main/pr-1-" + "a" * 40


@pytest.fixture
def settle(lanes: Lanes) -> Lanes:
    """Whatever came is handled, and GitHub told."""

    def run() -> None:
        handle()
        lanes()

    return run


@pytest.fixture
def pull(site: DeliveringHere, project: Project, settle: Lanes) -> Pull:
    pull = site.open_pull(SHOP, "feature", author="ann")
    settle()
    return pull


def queue(site: DeliveringHere) -> None:
    """Only GitHub has merge queues."""
    assert isinstance(site, GitHubSite)
    happenings.queue(site, SHOP, "d" * 40, "e" * 40, QUEUE)


def change(project: Project, **settings: bool) -> None:
    change_project(project, by=Actor.person("ann"), **ProjectSettings(**settings))  # type: ignore[typeddict-item]


def living() -> int:
    return Environment.objects.exclude(state="terminated").count()


def told(site: DeliveringHere, sha: str) -> dict[str, tuple[str, str]]:
    """What GitHub shows at a commit: the newest state and description of each name."""
    rows = [one for one in site.repositories[SHOP].statuses if one.sha == sha]
    return {one.context: (one.state, one.description) for one in rows}


def last_outcome() -> str:
    return Delivery.objects.order_by("-id")[0].outcome


@pytest.mark.parametrize("which", ["github", "gitlab", "gitea"])
def test_a_label_keeps_a_preview_away_and_its_removal_brings_it(
    site: DeliveringHere, pull: Pull, settle: Lanes
) -> None:
    assert living() == 1
    happenings.label(site, SHOP, pull.number, "No-Preview", "bug")
    settle()
    assert living() == 0 and PullRequest.objects.get().labels == ["No-Preview", "bug"]
    assert told(site, pull.head)["seatrial/preview"] == (
        "success",
        "No preview: it has the label no-preview",
    )
    assert "Remove the label no-preview" in pull.comments[0].body
    happenings.label(site, SHOP, pull.number, "bug")
    settle()
    assert living() == 1 and told(site, pull.head)["seatrial/preview"][0] == "pending"


def test_a_project_may_want_a_label(
    site: DeliveringHere, project: Project, pull: Pull, settle: Lanes
) -> None:
    change(project, previews_need_label=True)
    settle()
    assert living() == 0
    happenings.label(site, SHOP, pull.number, "Preview")
    settle()
    assert living() == 1


def test_a_project_may_not_want_previews_of_drafts(
    site: DeliveringHere, project: Project, pull: Pull, settle: Lanes
) -> None:
    happenings.draft(site, SHOP, pull.number)
    settle()
    assert living() == 1 and PullRequest.objects.get().draft
    change(project, previews_of_drafts=False)
    settle()
    assert living() == 0 and told(site, pull.head)["seatrial/preview"][1] == "No preview: it is a draft"
    happenings.draft(site, SHOP, pull.number, is_draft=False)
    settle()
    assert living() == 1


def test_what_is_switched_off_comes_back_when_it_is_switched_on(
    project: Project, pull: Pull, settle: Lanes
) -> None:
    change(project, previews_enabled=False)
    settle()
    assert living() == 0
    change(project, previews_enabled=True)
    settle()
    assert living() == 1


def test_a_label_on_a_closed_pull_request_does_not_open_it(
    site: DeliveringHere, pull: Pull, settle: Lanes
) -> None:
    site.close_pull(SHOP, pull.number, merged=True)
    settle()
    happenings.label(site, SHOP, pull.number, "preview")
    settle()
    known = PullRequest.objects.get()
    assert (known.state, known.merged, known.labels, living()) == ("closed", True, ["preview"], 0)


def test_merged_and_closed_are_told_apart(site: DeliveringHere, pull: Pull, settle: Lanes) -> None:
    site.close_pull(SHOP, pull.number)
    settle()
    assert PullRequest.objects.get().shown_state == "closed"
    happenings.reopen(site, SHOP, pull.number)
    settle()
    assert PullRequest.objects.get().shown_state == "open" and living() == 1
    site.close_pull(SHOP, pull.number, merged=True)
    settle()
    assert PullRequest.objects.get().shown_state == "merged"


def test_another_base_is_compared_with_and_another_title_is_not(
    site: DeliveringHere, pull: Pull, settle: Lanes
) -> None:
    base = pull.base
    happenings.edit(site, SHOP, pull.number, title="Another title")
    settle()
    assert PullRequest.objects.get().title == "Another title" and Evaluation.objects.count() == 1
    happenings.edit(site, SHOP, pull.number, base="release", base_sha="b" * 40)
    settle()
    settle()
    assert [one.base_commit for one in Evaluation.objects.order_by("id")] == [base, "b" * 40]
    assert [one.state for one in Evaluation.objects.order_by("id")] == ["superseded", "queued"]
    assert PullRequest.objects.get().base_branch == "release"


def test_an_event_that_does_not_say_the_base_evaluates_nothing_again(project: Project, pull: Pull) -> None:
    """Such as GitLab's: what a commit is compared with is asked later."""
    known = PullRequest.objects.get()

    def happens(base: str) -> None:
        event = PullRequestChanged(
            external_id=project.external_id,
            number=pull.number,
            action=PullRequestAction.CHANGED,
            head_sha=known.head_sha,
            branch=known.branch,
            base_branch=base,
            title="Another title",
            author="ann",
            from_fork=False,
            changed_at=timezone.now(),
        )
        pull_request_changed(project, event)

    happens("main")
    assert Evaluation.objects.count() == 1
    for _ in range(2):
        happens("release")
    assert Evaluation.objects.count() == 2


def test_a_push_to_the_default_branch_evaluates_no_pull_request_again(
    site: DeliveringHere, project: Project, pull: Pull, settle: Lanes, forges: Forges
) -> None:
    pull.base = "c" * 40
    compare(forges, project)
    settle()
    assert Evaluation.objects.filter(event="pull_request").count() == 1


def test_a_forced_push_supersedes_what_was_there(
    site: DeliveringHere, pull: Pull, settle: Lanes, source: Path
) -> None:
    before = pull.head
    commit(source, {"b": "2"})
    site.push(SHOP, source, "feature")
    settle()
    states = dict(Evaluation.objects.filter(event="pull_request").values_list("commit", "state"))
    assert states == {before: "superseded", pull.head: "queued"}


def test_a_merge_queue_gets_both_conclusions(site: DeliveringHere, project: Project, settle: Lanes) -> None:
    queue(site)
    settle()
    evaluation = Evaluation.objects.get()
    assert (evaluation.event, evaluation.base_commit, evaluation.ref) == ("merge_queue", "e" * 40, QUEUE)
    assert evaluation.versions.count() == 1
    assert told(site, "d" * 40) == {
        "seatrial/policies": ("pending", "queued"),
        "seatrial/preview": ("success", "Not needed in a merge queue"),
    }
    assert living() == 0


def test_a_merge_queue_of_the_policies_own_repository_does_not_wait_for_their_review(
    site: DeliveringHere, project: Project, settle: Lanes
) -> None:
    PolicySource.objects.create(workspace=project.workspace, project=project, branch="main", by="Olga")
    queue(site)
    settle()
    assert told(site, "d" * 40)["seatrial/policy-review"] == ("success", "Reviewed with its pull requests")


@pytest.mark.parametrize("why", ["no policy", "for tags only", "switched off"])
def test_a_merge_queue_never_waits_for_what_does_not_apply(
    site: DeliveringHere, project: Project, settle: Lanes, why: str
) -> None:
    if why == "no policy":
        Policy.objects.all().delete()
    Policy.objects.update(criteria={"events": ["tag"]}, enabled=why != "switched off")
    change(project, previews_enabled=False)
    queue(site)
    settle()
    assert told(site, "d" * 40) == {
        "seatrial/policies": ("success", "No policy applies."),
        "seatrial/preview": ("success", "Not needed in a merge queue"),
    }


def test_what_applies_to_pull_requests_applies_to_a_merge_queue(
    site: DeliveringHere, project: Project, settle: Lanes
) -> None:
    Policy.objects.update(criteria={"events": ["pull_request"]})
    queue(site)
    settle()
    assert Evaluation.objects.get().state == "queued"


def test_the_branches_of_a_merge_queue_are_not_evaluated_twice(
    site: DeliveringHere, project: Project, settle: Lanes
) -> None:
    hosted = site.repositories[SHOP]
    payload = site.push_payload(hosted, QUEUE.removeprefix("refs/heads/"), "0" * 40, "d" * 40)
    site.send(hosted, "push", payload)
    settle()
    assert not Evaluation.objects.exists() and last_outcome().startswith("ignored")


def test_a_pull_request_that_no_policy_applies_to_is_not_held_up(
    site: DeliveringHere, project: Project, settle: Lanes
) -> None:
    Policy.objects.update(enabled=False)
    pull = site.open_pull(SHOP, "feature", author="ann")
    settle()
    assert told(site, pull.head)["seatrial/policies"] == ("success", "No policy applies")


def test_sweeps_do_not_tell_the_same_again(
    site: DeliveringHere, project: Project, settle: Lanes, forges: Forges
) -> None:
    Policy.objects.update(enabled=False)
    change(project, previews_enabled=False)
    site.open_pull(SHOP, "feature", author="ann")
    settle()
    before = len(site.repositories[SHOP].statuses)
    for _ in range(3):
        compare(forges, project)
        settle()
    assert len(site.repositories[SHOP].statuses) == before


def test_an_archived_repository_keeps_its_data_and_no_preview(
    site: DeliveringHere, project: Project, pull: Pull, settle: Lanes
) -> None:
    happenings.archive(site, SHOP)
    settle()
    project.refresh_from_db()
    assert (project.gone, living()) == ("archived", 0)
    assert PullRequest.objects.get().state == "open" and Evaluation.objects.exists()
    happenings.archive(site, SHOP)
    settle()
    assert last_outcome() == "ignored: nothing new about the repository"
    happenings.archive(site, SHOP, archived=False)
    settle()
    project.refresh_from_db()
    assert (project.gone, living()) == ("", 1)


def test_a_repository_that_was_unarchived_unheard_is_found(
    site: DeliveringHere, project: Project, pull: Pull, settle: Lanes, forges: Forges
) -> None:
    happenings.archive(site, SHOP)
    settle()
    sweeps.sweep_forges(forges)
    settle()
    assert living() == 0
    site.lost = True
    happenings.archive(site, SHOP, archived=False)
    sweeps.sweep_forges(forges)
    settle()
    assert living() == 1


def test_a_deleted_repository_keeps_its_data_until_an_admin_says_so(
    site: DeliveringHere, project: Project, pull: Pull, settle: Lanes, forges: Forges
) -> None:
    happenings.delete(site, SHOP)
    settle()
    asked = len(site.asked)
    sweeps.sweep_forges(forges)
    settle()
    project.refresh_from_db()
    assert (project.gone, project.unreachable, living()) == ("deleted", "", 0)
    assert PullRequest.objects.count() == Evaluation.objects.count() == 1
    assert site.asked[asked:] == [], "a repository that is gone is not asked about"


def test_every_action_on_a_pull_request_has_a_sane_outcome(
    site: DeliveringHere, project: Project, pull: Pull, settle: Lanes
) -> None:
    hosted = site.repositories[SHOP]
    for action in ("assigned", "locked", "review_requested", "enqueued", "auto_merge_enabled", "quantum"):
        site.send(hosted, "pull_request", site.pull_payload(hosted, pull, action))
        settle()
        assert last_outcome().startswith("ignored")
    group = {"head_sha": "d" * 40, "head_ref": QUEUE, "base_sha": "e" * 40}
    repository = site._of_payload(hosted)
    site.send(hosted, "merge_group", {"action": "destroyed", "repository": repository, "merge_group": group})
    settle()
    assert last_outcome().startswith("ignored")
