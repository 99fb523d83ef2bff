"""Screenshots are asked for once, kept, compared and deleted; and only who may see the preview sees them."""

import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image

from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.previews.errors import NotComparable
from seatrial.control.previews.evidence import retention, taking
from seatrial.control.previews.evidence.differing import difference, opened
from seatrial.control.previews.evidence.models import ComparedWith, Screenshot, ScreenshotState
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.triggers.comments import _parts
from seatrial.wire.screenshots import NoScreenshot, Shown
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def png(
    colour: str = "white", size: tuple[int, int] = (40, 30), mark: tuple[int, int] | None = None
) -> bytes:
    image = Image.new("RGB", size, colour)
    if mark:
        image.putpixel(mark, (0, 0, 0))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def shown(size: tuple[int, int] = (40, 30)) -> Shown:
    return Shown(status=200, title="Shop", width=size[0], height=size[1])


@pytest.fixture
def cast() -> factories.Cast:
    return factories.Cast()


def live(cast: factories.Cast, project: Any = None, **fields: Any) -> Environment:
    pull = factories.pull_request(project or factories.project(cast.workspace), **fields)
    return factories.running(pull, agent=factories.agent())


def redeployed(environment: Environment) -> Deployment:
    former = environment.live
    assert former is not None
    now = timezone.now()
    newer = factories.deployment(
        environment, state="live", services=former.services, commit=factories.sha(), finished_at=now
    )
    Deployment.objects.filter(pk=former.pk).update(state="superseded")
    environment.live = newer
    environment.save()
    return newer


def take(picture: bytes, size: tuple[int, int] = (40, 30)) -> Screenshot:
    [order] = taking.claimed(timezone.now(), 5)
    taking.taken(order.screenshot, shown(size), picture, timezone.now())
    return Screenshot.objects.get(pk=order.screenshot)


class TestTaking:
    def test_each_web_service_of_what_went_live_is_asked_for_once(self, cast: factories.Cast) -> None:
        environment = live(cast)
        [order] = taking.claimed(timezone.now(), 5)
        assert (order.question.environment, order.question.service) == (environment.pk, "web")
        assert order.agent == environment.placements.get().agent_id and environment.live is not None
        assert order.question.deployment == environment.live_id
        assert taking.claimed(timezone.now(), 5) == [], "another worker asks for nothing"

    def test_what_is_fresh_is_looked_up_among_all_screenshots_and_they_are_not_all_read(
        self, cast: factories.Cast
    ) -> None:
        """It is asked every few seconds, and screenshots of former deployments are many."""
        live(cast)
        with CaptureQueriesContext(connection) as captured:
            taking.claimed(timezone.now(), 5)
        look = next(one["sql"] for one in captured if "previews_environment" in one["sql"])
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {look}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "Anti Join" in plan and "SubPlan" not in plan

    def test_what_has_been_live_for_long_sleeps_or_waits_is_left_alone(self, cast: factories.Cast) -> None:
        old, asleep, away = live(cast), live(cast), live(cast)
        Deployment.objects.filter(environment=old).update(finished_at=timezone.now() - timedelta(hours=1))
        Environment.objects.filter(pk=asleep.pk).update(tier="paused")
        away.placements.get().agent.__class__.objects.filter(placements__environment=away).update(
            state="offline"
        )
        assert taking.claimed(timezone.now(), 5) == []
        assert [row.deployment_id for row in Screenshot.objects.all()] == [away.live_id]

    def test_whoever_asked_and_was_killed_is_replaced_until_it_was_tried_often(
        self, cast: factories.Cast
    ) -> None:
        live(cast)
        now = timezone.now()
        for _ in range(taking.MOST_TRIES):
            assert len(taking.claimed(now, 5)) == 1
            assert taking.claimed(now, 5) == []
            now += taking.SILENT
        assert taking.claimed(now, 5) == []
        row = Screenshot.objects.get()
        assert (row.state, row.problem) == (ScreenshotState.FAILED, taking.NO_ANSWER)

    def test_an_agent_that_cannot_is_asked_again_or_never(self, cast: factories.Cast) -> None:
        live(cast)
        now = timezone.now()
        [order] = taking.claimed(now, 5)
        taking.refused(order.screenshot, NoScreenshot(problem="busy", again=True), now)
        assert taking.claimed(now, 5) == []
        [order] = taking.claimed(now + taking.AGAIN, 5)
        taking.refused(order.screenshot, NoScreenshot(problem="there is no browser"), now)
        assert taking.claimed(now + timedelta(minutes=20), 5) == []
        row = Screenshot.objects.get()
        assert (row.state, row.problem, row.tries) == ("failed", "there is no browser", 2)

    def test_what_is_overtaken_is_not_waited_for(self, cast: factories.Cast) -> None:
        environment = live(cast)
        [first] = taking.claimed(timezone.now(), 5)
        redeployed(environment)
        [second] = taking.claimed(timezone.now(), 5)
        assert first.screenshot != second.screenshot
        taking.taken(first.screenshot, shown(), png(), timezone.now())
        assert Screenshot.objects.get(pk=first.screenshot).problem == taking.OVERTAKEN

    def test_what_is_no_picture_is_not_kept(self, cast: factories.Cast) -> None:
        live(cast)
        row = take(png()[:60])
        assert (row.state, row.picture) == ("failed", None)


class TestDifference:
    def test_the_same_is_the_same_and_one_pixel_is_not(self) -> None:
        assert difference(png(), png()).changed == 0
        found = difference(png(), png(mark=(3, 4)))
        assert found.changed == pytest.approx(100 / 1200)
        assert found == difference(png(), png(mark=(3, 4))), "always the same"
        assert opened(found.png).getpixel((3, 4)) == (214, 0, 88)

    def test_what_nobody_sees_does_not_count(self) -> None:
        assert difference(png("#ffffff"), png("#f0f0f0")).changed == 0
        assert difference(png("#ffffff"), png("#d0ffff")).changed == 100

    def test_what_one_of_them_does_not_cover_has_changed(self) -> None:
        assert difference(png(), png(size=(40, 60))).changed == 50
        assert difference(png(size=(40, 60)), png()).changed == 50
        assert difference(png(size=(20, 60)), png(size=(40, 30))).changed == 50

    @pytest.mark.parametrize(
        "wrong", [b"", b"<svg/>", png()[:50], png(size=(1281, 10)), png(size=(10, 4001))]
    )
    def test_anything_else_is_refused(self, wrong: bytes) -> None:
        with pytest.raises(NotComparable):
            difference(png(), wrong)


class TestBase:
    def test_the_deployment_before_where_there_is_nothing_better(self, cast: factories.Cast) -> None:
        environment = live(cast)
        first = take(png())
        assert (first.before, first.compared_with, first.changed) == (None, "", None)
        redeployed(environment)
        second = take(png(mark=(1, 1)))
        assert (second.before, second.compared_with) == (first, ComparedWith.PREVIOUS)
        assert second.changed == pytest.approx(100 / 1200) and second.difference is not None
        redeployed(environment)
        third = take(png(mark=(1, 1)))
        assert (third.before, third.changed, third.difference) == (second, 0, None)

    def test_what_was_merged_last_and_what_is_live_of_the_base_branch(self, cast: factories.Cast) -> None:
        project = factories.project(cast.workspace)
        merged = live(cast, project)
        shot = take(png("red"))
        environment = live(cast, project)
        assert take(png()).before is None, "not merged"
        merged.pull_request.__class__.objects.filter(pk=merged.pull_request_id).update(merged=True)
        redeployed(environment)
        row = take(png())
        assert (row.before, row.compared_with) == (shot, ComparedWith.MERGED)
        forked = live(cast, project, branch="main", from_fork=True)
        take(png("green"))
        base = live(cast, project, branch="main")
        of_base = take(png("blue"))
        redeployed(environment)
        row = take(png())
        assert (row.before, row.compared_with) == (of_base, ComparedWith.BASE_BRANCH)
        assert forked.pk != base.pk

    def test_never_another_project(self, cast: factories.Cast) -> None:
        other = live(cast)
        take(png("red"))
        other.pull_request.__class__.objects.update(merged=True)
        live(cast)
        assert take(png()).before is None


def test_the_comment_below_the_pull_request_leads_there(cast: factories.Cast) -> None:
    environment = live(cast)
    shot = take(png())
    told = OutboxMessage.objects.filter(subject="comment").get()
    assert told.body == {"pull_request": environment.pull_request_id}
    said = "\n".join(_parts(environment.pull_request))
    assert f"/deployments/{shot.deployment_id}#screenshot-web)" in said
    newer = redeployed(environment)
    take(png(mark=(1, 1)))
    said = "\n".join(_parts(environment.pull_request))
    assert f"/deployments/{newer.pk}#screenshot-web), 0.08 % changed" in said


class TestRetention:
    def kept(self) -> list[str]:
        return list(
            Screenshot.objects.filter(picture__isnull=False).order_by("id").values_list("pk", flat=True)
        )

    def test_the_newest_ten_for_thirty_days(
        self, cast: factories.Cast, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(retention, "MOST_PICTURES", 2)
        environment = live(cast)
        rows = [take(png())]
        for _ in range(2):
            redeployed(environment)
            rows.append(take(png()))
        now = timezone.now()
        assert retention.prune(now) == 1 and self.kept() == [row.pk for row in rows[1:]]
        assert retention.prune(now) == 0
        assert retention.prune(now + timedelta(days=31)) == 2 and self.kept() == []
        assert Screenshot.objects.filter(state="taken").count() == 3, "what they showed is still known"

    def test_of_a_preview_that_is_gone_only_what_others_are_compared_with(self, cast: factories.Cast) -> None:
        environments = [live(cast) for _ in range(2)]
        for order in taking.claimed(timezone.now(), 5):
            taking.taken(order.screenshot, shown(), png(), timezone.now())
        for environment in environments:
            Environment.objects.filter(pk=environment.pk).update(state="terminated")
        environments[0].pull_request.__class__.objects.filter(pk=environments[0].pull_request_id).update(
            merged=True
        )
        retention.prune(timezone.now())
        assert self.kept() == [Screenshot.objects.get(deployment__environment=environments[0]).pk]


class TestSeen:
    """Bob may look, Charlie may not even know."""

    @pytest.fixture
    def row(self, cast: factories.Cast) -> Screenshot:
        environment = live(cast)
        take(png())
        redeployed(environment)
        return take(png(mark=(2, 2)))

    def client(self, user: Any) -> Client:
        client = Client()
        client.force_login(user)
        return client

    def test_the_picture(self, cast: factories.Cast, row: Screenshot) -> None:
        for kind, whole in (("picture", row.picture), ("difference", row.difference)):
            path = f"/api/v1/screenshots/{row.pk}/{kind}"
            answer = self.client(cast.bob).get(path)
            assert answer.content == whole and answer["Content-Type"] == "image/png"
            assert (
                answer["X-Content-Type-Options"] == "nosniff"
                and "sandbox" in answer["Content-Security-Policy"]
            )
            assert "private" in answer["Cache-Control"]
            again = self.client(cast.bob).get(path, headers={"If-None-Match": answer["ETag"]})
            assert (again.status_code, again.content) == (304, b"")
            assert self.client(cast.charlie).get(path).status_code == 404
            assert Client().get(path).status_code == 401
        Screenshot.objects.update(picture=None)
        assert self.client(cast.bob).get(f"/api/v1/screenshots/{row.pk}/picture").status_code == 404

    def test_the_list_and_the_pages(self, cast: factories.Cast, row: Screenshot) -> None:
        bob, charlie = self.client(cast.bob), self.client(cast.charlie)
        [answer] = bob.get(f"/api/v1/deployments/{row.deployment_id}/screenshots").json()
        assert (answer["state"], answer["service"], answer["compared_with"]) == ("taken", "web", "previous")
        assert answer["picture_url"] == f"/api/v1/screenshots/{row.pk}/picture" and answer["before_url"]
        for path in ("", "/compared"):
            page = bob.get(f"/deployments/{row.deployment_id}{path}")
            assert page.status_code == 200 and answer["picture_url"] in page.content.decode()
            assert charlie.get(f"/deployments/{row.deployment_id}{path}").status_code == 404
        for path in ("screenshots", "comparison"):
            assert charlie.get(f"/api/v1/deployments/{row.deployment_id}/{path}").status_code == 404
        page = bob.get(f"/environments/{row.deployment.environment_id}").content.decode()
        assert answer["picture_url"] in page and "0.08 % changed" in page

    def test_who_may_not_see_the_other_cannot_compare_with_it(
        self, cast: factories.Cast, row: Screenshot
    ) -> None:
        theirs = factories.running(factories.pull_request(factories.project(cast.elsewhere)))
        another = live(cast)
        bob = self.client(cast.bob)
        path = f"/api/v1/deployments/{row.deployment_id}/comparison?other="
        assert bob.get(path + str(theirs.live_id)).status_code == 404
        refused = bob.get(path + str(another.live_id))
        assert refused.status_code == 404 and "different projects" in refused.json()["error"]["message"]
        assert bob.get(path + "nonsense").status_code == 404


class TestComparison:
    def test_what_differs(self, cast: factories.Cast) -> None:
        environment = live(cast)
        before = environment.live
        assert before is not None
        after = redeployed(environment)
        web, api, db = before.services
        old, new = ({**web, "facts": {"image": f"nginx:{n}", "image_bytes": n * 5_000_000}} for n in (1, 2))
        Deployment.objects.filter(pk=before.pk).update(services=[old, api, db])
        Deployment.objects.filter(pk=after.pk).update(services=[new, {**db, "facts": {"image": "postgres"}}])
        factories.phases(before, ("checkout", 0, 1.0), ("build api", 1, 3.0))
        factories.phases(after, ("checkout", 0, 1.5))
        client = Client()
        client.force_login(cast.alice)
        found = client.get(f"/api/v1/deployments/{after.pk}/comparison").json()
        assert (found["before"]["deployment"], found["after"]["deployment"]) == (before.pk, after.pk)
        assert found["commits"] == f"{before.commit}..{after.commit}" and found["variables"] == []
        assert found["phases"] == [
            {"name": "checkout", "before": 1.0, "after": 1.5},
            {"name": "build api", "before": 3.0, "after": None},
        ]
        rows = {one["name"]: one for one in found["services"]}
        assert rows["api"]["after"] is None and rows["api"]["differs"]
        assert rows["web"]["differs"] and rows["web"]["after"]["image_bytes"] == 10_000_000
        assert not rows["db"]["differs"]
        backwards = client.get(f"/api/v1/deployments/{before.pk}/comparison?other={after.pk}").json()
        assert backwards["before"]["deployment"] == before.pk, "the earlier one is before"
        assert client.get(f"/api/v1/deployments/{before.pk}/comparison").status_code == 404

    def test_names_of_variables_are_for_who_may_look_at_them(self, cast: factories.Cast) -> None:
        from seatrial.control.projects.models import Variable

        environment = live(cast)
        before = environment.live
        assert before is not None
        past = before.created_at - timedelta(hours=1)
        project = environment.project
        for name, since, until in (
            ("OLD", past, before.created_at + timedelta(microseconds=1)),
            ("SAME", past, None),
        ):
            variable(project, name, since, until)
        after = redeployed(environment)
        variable(project, "NEW", before.created_at + timedelta(microseconds=1), None)
        client = Client()
        for user, said in ((cast.alice, [("NEW", "added"), ("OLD", "removed")]), (cast.bob, None)):
            client.force_login(user)
            found = client.get(f"/api/v1/deployments/{after.pk}/comparison").json()["variables"]
            assert (found and [(one["name"], one["change"]) for one in found]) == said
        assert Variable.objects.count() == 3


def variable(project: Any, name: str, since: datetime, until: datetime | None) -> None:
    from seatrial.control.projects.models import Variable

    row = Variable.objects.create(
        workspace=project.workspace, project=project, name=name, value="v", secret=False, tier="trusted"
    )
    Variable.objects.filter(pk=row.pk).update(created_at=since, ended_at=until)
