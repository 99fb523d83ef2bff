"""After a week and after a hundred days, no table has grown without limit, and nothing relevant is lost."""

import pytest

from seatrial.control.audit.actors import Actor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.policies.models import Evaluation, Result
from seatrial.control.policies.scores.models import DailyScore
from seatrial.control.policies.signing.models import Attestation
from seatrial.control.previews import services as previews
from seatrial.control.previews.models import Deployment, DeploymentPhase, Environment
from seatrial.control.projects.models import PullRequest
from tests.worker.days import Days, counted

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.fixture
def days(monkeypatch: pytest.MonkeyPatch) -> Days:
    return Days(monkeypatch)


def test_in_a_week_nothing_is_lost_that_anybody_asks_for(days: Days) -> None:
    living = days.open()
    for lasts in (1, 2, 4):  # they work at its beginning, on its second day and in its middle
        days.ordinary_day(lasts=lasts)
    assert PullRequest.objects.count() == Environment.objects.count() == 1 + 3
    assert Deployment.objects.count() == 1 + 3 * 2
    assert Evaluation.objects.count() == 1 + 3 * (2 + 1 + 1)
    assert Result.objects.count() == 2 * Evaluation.objects.count()
    assert Environment.objects.get(pull_request__number=living).live is not None


@pytest.mark.timeout(3_600)  # a quarter of a minute of work, and this machine may have others to do
def test_in_a_hundred_days_every_table_stops_growing_and_what_lives_is_there(
    days: Days, request: pytest.FixtureRequest
) -> None:
    step = 8 if request.config.getoption("--campaign-seed") else 16
    quiet, busy, stopped = days.open(), days.open(), days.open()
    previews.stop(Environment.objects.get(pull_request__number=stopped), by=Actor.person("alice"))
    days.settle()
    at_first = Environment.objects.get(pull_request__number=quiet)
    seen = {}
    # They work every eighth day in a campaign and every sixteenth in CI, which is as much less work for this machine.
    worked = [*range(step, 129, step)]
    for day in worked:
        days.ordinary_day(busy, lasts=step)
        if day % 16 == 0:
            seen[day] = counted()
    assert seen[48]["policies_evaluation"] > seen[32]["policies_evaluation"] > 8, "about nothing"
    assert seen[128] == seen[112]
    assert AuditEntry.objects.count() >= len(worked), "who did what stays for ever"
    assert len(worked) <= DailyScore.objects.count() <= 2 * len(worked), "one for a day with a verdict"
    assert 0 < seen[128][Attestation._meta.db_table] <= seen[128]["policies_evaluation"]
    # What lives, however old.
    environment = Environment.objects.get(pull_request__number=quiet)
    assert environment.pk == at_first.pk and environment.live_id == at_first.live_id
    assert Evaluation.objects.filter(pull_request__number=quiet).count() == 1
    moved = Environment.objects.get(pull_request__number=busy)
    assert moved.live is not None and moved.live.commit == moved.pull_request.head_sha
    assert moved.deployments.count() < len(worked), "older ones went"
    # What somebody stopped stays stopped: a sweep that looks at it again brings nothing back.
    head = PullRequest.objects.get(number=stopped).head_sha
    days.tell("synchronize", stopped, head)
    days.settle()
    assert Environment.objects.get(pull_request__number=stopped).state == "terminated"
    # The newest verdict of the branch that everything is merged into.
    assert Evaluation.objects.filter(ref="refs/heads/main").order_by("-id")[0].state == "passed"
    assert not DeploymentPhase.objects.filter(deployment__environment__pull_request=None).exists()
