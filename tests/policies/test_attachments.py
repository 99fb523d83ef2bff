"""A policy judges the projects that it is attached to, and what names a project most closely counts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from seatrial.control.audit.actors import Actor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.policies import services
from seatrial.control.policies.errors import BadAttachment, NotPromoted
from seatrial.control.policies.models import Attachment, Policy, PolicyVersion
from seatrial.control.policies.rollout import attaching
from seatrial.control.policies.rollout.attaching import Target
from seatrial.control.policies.rollout.choosing import choose
from seatrial.control.policies.rollout.reaching import Nearness, Reach, Standing, standing
from seatrial.control.projects.models import Project
from seatrial.control.triggers.verdict import verdict
from seatrial.wire.states import Level, TestsState
from seatrial.wire.words import EventKind
from tests import factories as make
from tests.policies.replayed import replayed
from tests.policies.test_waivers import Shop, finish, said

D, A, S, H = Level
ALL, GROUP, ONE = Nearness
DAY = datetime(2026, 12, 1, tzinfo=UTC)
BEFORE, AFTER = DAY - timedelta(days=1), DAY + timedelta(days=1)


@pytest.mark.parametrize(
    ("own", "reaches", "expected"),
    [
        (S, [], None),
        (S, [Reach(ALL)], Standing(S)),
        (D, [Reach(ONE, level=H)], None),
        (S, [Reach(ALL), Reach(GROUP, excluded=True)], None),
        (S, [Reach(GROUP, excluded=True), Reach(ONE)], Standing(S)),
        (S, [Reach(GROUP, excluded=True), Reach(GROUP, level=H)], None),
        (A, [Reach(ALL, level=H), Reach(GROUP)], Standing(A)),
        (A, [Reach(GROUP), Reach(GROUP, level=S)], Standing(S)),
        (S, [Reach(ALL, starts_at=DAY)], Standing(A, DAY)),
        (S, [Reach(ALL, starts_at=BEFORE)], Standing(S)),
        (A, [Reach(ALL, starts_at=DAY)], Standing(A)),
        (S, [Reach(GROUP, starts_at=DAY), Reach(GROUP, starts_at=AFTER)], Standing(A, DAY)),
        (S, [Reach(GROUP, level=A), Reach(GROUP, starts_at=AFTER)], Standing(A, AFTER)),
    ],
)
def test_what_names_a_project_most_closely_counts(
    own: Level, reaches: list[Reach], expected: Standing | None
) -> None:
    assert standing(own, reaches, asked_at=BEFORE) == expected


class Rolled(Shop):
    """The policies are readme and no-secrets; the pull request was opened a minute ago."""

    by = Actor.person("olga")

    @property
    def policy(self) -> Policy:
        return self.secrets.policy

    def chosen(self, project: Project | None = None) -> set[str]:
        of = Project.objects.get(pk=(project or self.project).pk)
        found = choose(of, event=EventKind.PUSH, ref="refs/heads/main", asked_at=timezone.now())
        return {one.policy.slug for one in found.versions}

    def detach_all(self) -> None:
        for row in attaching.attachments_of(self.policy):
            attaching.detach(self.policy, row.pk, by=self.by)


@pytest.fixture
def shop(db: None) -> Rolled:
    return Rolled()


@pytest.mark.postgres
def test_a_policy_reaches_what_its_attachments_name(shop: Rolled) -> None:
    assert shop.chosen() == {"has-readme", "no-secrets"}
    shop.detach_all()
    assert shop.chosen() == {"has-readme"}
    other = make.project(shop.workspace, "pay", labels=["payments"], stack="django")
    for target in (Target(label="payments"), Target(stack="django"), Target(project=other)):
        attaching.attach(shop.policy, target, by=shop.by)
        assert (shop.chosen(), shop.chosen(other)) == ({"has-readme"}, {"has-readme", "no-secrets"})
        shop.detach_all()
    attaching.attach(shop.policy, Target(everything=True), by=shop.by)
    attaching.exclude(shop.policy, Target(label="payments"), by=shop.by, reason="it is being\nmoved")
    assert (shop.chosen(), shop.chosen(other)) == ({"has-readme", "no-secrets"}, {"has-readme"})
    newest = AuditEntry.objects.filter(action="policy.exclude").latest("id")
    assert newest.details == {
        "policy": "no-secrets",
        "to": "projects labelled payments",
        "reason": "it is being moved",
    }
    attaching.attach(shop.policy, Target(label="payments"), by=shop.by)
    assert shop.policy.attachments.count() == 2, "the same target has one row"


@pytest.mark.postgres
def test_what_cannot_be_attached_is_refused_with_the_fix(shop: Rolled) -> None:
    elsewhere = make.project(make.workspace("elsewhere"), "theirs")
    for target in (
        Target(),
        Target(everything=True, label="a"),
        Target(label="No Slug"),
        Target(project=elsewhere),
    ):
        with pytest.raises(BadAttachment):
            attaching.attach(shop.policy, target, by=shop.by)
    with pytest.raises(BadAttachment, match="why"):
        attaching.exclude(shop.policy, Target(everything=True), by=shop.by, reason=" ")
    with pytest.raises(BadAttachment, match="advisory, soft or hard"):
        attaching.attach(shop.policy, Target(everything=True), by=shop.by, level=D)
    with pytest.raises(NotPromoted, match="no tests"):
        attaching.attach(shop.policy, Target(label="a"), by=shop.by, level=H)
    replayed(shop.secrets, "passed")
    attaching.attach(shop.policy, Target(label="a"), by=shop.by, level=H, tested=lambda _: TestsState.PASSED)


@pytest.mark.postgres
def test_a_pull_request_that_was_opened_before_the_start_is_not_gated_whichever_event_judges_it(
    shop: Rolled,
) -> None:
    starts = timezone.now() - timedelta(hours=1)
    attaching.attach(shop.policy, Target(everything=True), by=shop.by, starts_at=starts)
    shop.pull.opened_at = starts - timedelta(days=1)
    shop.pull.head_sha = make.sha()
    shop.pull.save()
    commit, ref = shop.pull.head_sha, f"refs/heads/{shop.pull.branch}"
    rerun = services.rerun(shop.pull, by=shop.by)
    pushed = services.evaluate(shop.project, commit=commit, ref=ref, event=EventKind.PUSH)
    queue = {"ref": "refs/heads/queue/main", "event": EventKind.MERGE_QUEUE, "queued": shop.pull.number}
    queued = services.evaluate(shop.project, commit=make.sha(), **queue)
    for one in (rerun, pushed, queued):
        assert one is not None and one.level_of(shop.secrets.pk) is A and one.level_of(shop.readme.pk) is S
    assert rerun is not None
    finish(rerun, said(shop.readme, "passed", 80), said(shop.secrets, "failed", 10))
    assert (rerun.state, rerun.remarks) == ("passed", 1)
    assert f"failed (advisory for what was opened before {starts:%Y-%m-%d})" in "\n".join(verdict(rerun))
    page = Client()
    page.force_login(shop.dana)
    assert f"opened before {starts:%Y-%m-%d}" in page.get(f"/evaluations/{rerun.pk}").content.decode()
    younger = services.evaluate(shop.project, commit=make.sha(), ref="refs/heads/main", event=EventKind.PUSH)
    assert younger is not None and younger.level_of(shop.secrets.pk) is S


@pytest.mark.postgres
def test_choosing_takes_two_queries_however_many_policies_and_projects_there_are(shop: Rolled) -> None:
    host = make.connection(shop.workspace)
    Project.objects.bulk_create(
        Project(workspace=shop.workspace, connection=host, external_id=f"{n}", name=f"p{n}", slug=f"p{n}",
                labels=[f"team-{n % 10}"], stack="go") for n in range(500)
    )  # fmt: skip
    policies = Policy.objects.bulk_create(
        Policy(workspace=shop.workspace, slug=f"many-{n}", name=f"Many {n}") for n in range(100)
    )
    PolicyVersion.objects.bulk_create(
        PolicyVersion(policy=policy, number=number, code="x" * 1000)
        for policy in policies
        for number in (1, 2)
    )
    rows = [Attachment(policy=one, label=f"team-{n % 10}") for n, one in enumerate(policies)]
    rows += [Attachment(policy=one, stack="rust", excluded=True, reason="r") for one in policies]
    Attachment.objects.bulk_create(rows)
    project = Project.objects.get(slug="p7")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        found = choose(project, event=EventKind.PUSH, ref="refs/heads/main", asked_at=timezone.now())
    assert len(asked) == 2
    assert len(found.versions) == 12 and {
        one.number for one in found.versions if "many" in one.policy.slug
    } == {2}


@pytest.mark.postgres
def test_those_who_manage_policies_attach_them_on_the_page_and_by_rest(shop: Rolled) -> None:
    make.workspace("elsewhere", owner=shop.stranger)
    page, key = "/policies/shop/no-secrets", shop.policy.pk
    form = {"attach-to": "label", "attach-named": "payments", "attach-starts_on": "2026-12-01"}
    refusal = {"exclude-to": "project", "exclude-named": "shop", "exclude-reason": "generated"}
    for who, status in ((shop.dana, 403), (shop.stranger, 404), (shop.owner, 302)):
        client = signed_in(who)
        assert client.post(f"{page}/attach", form).status_code == status
        assert client.post(f"{page}/exclude", refusal).status_code == status
        body = {"everything": True, "level": "advisory"}
        answer = client.post(f"/api/v1/policies/{key}/attachments", body, "application/json")
        assert answer.status_code == (200 if status == 302 else status)
    shown = client.get(f"{page}/rollout").content.decode()
    assert "Projects labelled payments" in shown and "2026-12-01" in shown and "generated" in shown
    wrong = client.post(f"{page}/attach", {**form, "attach-to": "project", "attach-named": "nowhere"})
    assert wrong.status_code == 200 and "has no project nowhere" in wrong.content.decode()
    listed: list[dict[str, Any]] = answer.json()["attachments"]
    assert [one["target"] for one in listed] == ["all projects", "projects labelled payments", "shop"]
    assert listed[1]["starts_at"] == "2026-12-01T00:00:00Z"
    for one in listed:
        where = f"/api/v1/policies/{key}/attachments/{one['id']}"
        assert signed_in(shop.dana).delete(where).status_code == 403
        left = client.delete(where).json()["attachments"]
    assert left == [] and "It runs nowhere" in client.get(f"{page}/rollout").content.decode()


@pytest.mark.postgres
def test_labels_and_stack_of_a_project_are_set_by_those_who_manage_it(shop: Rolled) -> None:
    where = f"/api/v1/projects/{shop.project.pk}"
    body = {"labels": ["Payments", "public", "public"], "stack": "Django"}
    assert signed_in(shop.dana).patch(where, body, "application/json").status_code == 403
    client = signed_in(shop.owner)
    answer = client.patch(where, body, "application/json").json()
    assert (answer["labels"], answer["stack"]) == (["payments", "public"], "django")
    wrong = client.patch(where, {"labels": ["a b"]}, "application/json")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "bad_label")
    assert 'value="payments public"' in client.get(f"/projects/{shop.project.pk}/settings").content.decode()


def signed_in(who: Any) -> Client:
    client = Client()
    client.force_login(who)
    return client
