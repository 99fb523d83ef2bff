"""What happened to what is kept of forges, and to the audit log."""

from collections.abc import Generator

from django.apps.registry import Apps
from django.utils import timezone

from seatrial.control.audit.actors import SYSTEM, Actor
from tests.installation.history.stories import make, project, story

Told = Generator[None, Apps, None]
ACTORS = [
    Actor.person("ada"),
    Actor.token("laptop", owner="ada"),
    Actor.agent("two"),
    SYSTEM,
    Actor.anonymous(),
]


@story("forges", "0002_facts_and_local_pulls", until=("local_forge", "0001_initial"))
def pull_requests_of_the_local_forge_move_to_it(then: Apps) -> Told:
    of = project(then, "moved")
    made = make(then, "forges.LocalPullRequest", project=of, number=7, branch="feature", announcements=3)
    later = yield
    rows = later.get_model("local_forge.LocalPullRequest").objects
    row = rows.get(project_id=of.pk)
    assert (row.pk, row.number, row.branch, row.announcements) == (made.pk, 7, "feature", 3)
    again = rows.create(project_id=of.pk, number=8, branch="other", changed_at=timezone.now())
    assert again.pk > row.pk, "its numbers go on"


@story("forges", "0008_reports_of_commits")
def what_forges_were_told_about_commits_is_still_known(then: Apps) -> Told:
    of = project(then, "told")
    a, b = "a" * 40, "b" * 64
    for digest, about in enumerate(
        (f"verdict on {a}", f"preview of 1 at {a}", f"preview of 22 at {a}", f"preview of 3 at {b}")
    ):
        make(
            then, "forges.PostedReport", project=of, about=about, digest=str(digest), posted_at=timezone.now()
        )
    rows = (yield).get_model("forges.PostedReport").objects.filter(project_id=of.pk).order_by("digest")
    assert list(rows.values_list("what", "about", "digest", "sending", "unfinished")) == [
        ("verdict", a, "0", False, False),
        ("preview", a, "2", False, False),
        ("preview", b, "3", False, False),
    ]


@story("forges", "0009_budgets_of_installations")
def what_was_left_at_a_forge_is_still_left(then: Apps) -> Told:
    there = project(then, "budget").connection
    make(then, "forges.StoredBudget", connection=there, left=3, most=5000, heard_at=timezone.now())
    row = (yield).get_model("forges.StoredBudget").objects.get(connection_id=there.pk)
    assert (row.left, row.most, row.installation, row.name) == (3, 5000, "", "")


@story("audit", "0003_actor_kind")
def entries_from_before_kinds_were_kept_have_theirs(then: Apps) -> Told:
    for actor in ACTORS:
        make(then, "audit.AuditEntry", actor=str(actor), action=actor.kind, target="x/1")
    rows = (yield).get_model("audit.AuditEntry").objects
    kinds = [(row.action, row.actor_kind) for row in rows.filter(target="x/1")]
    assert len(kinds) == len(ACTORS) and all(action == kind for action, kind in kinds)
    written = rows.create(actor="system", action="x.y", target="x/2", actor_kind="system")
    assert written.pk, "the column can be written"


@story("audit", "0004_chain")
def entries_from_before_the_chain_wait_for_their_seals(then: Apps) -> Told:
    made = [make(then, "audit.AuditEntry", actor="system", action="x.y", target="x/3") for _ in range(2)]
    apps = yield
    waiting = set(apps.get_model("audit.UnsealedEntry").objects.values_list("entry", flat=True))
    assert {one.pk for one in made} <= waiting
    late = apps.get_model("audit.AuditEntry").objects.create(
        actor="system", actor_kind="system", action="x.y", target="x/4"
    )
    assert apps.get_model("audit.UnsealedEntry").objects.filter(pk=late.pk).exists()
