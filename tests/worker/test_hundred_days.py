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
    for _ in range(7):
        days.ordinary_day()
    assert PullRequest.objects.count() == Environment.objects.count() == 1 + 7
    assert Deployment.objects.count() == 1 + 7 * 2
    assert Evaluation.objects.count() == 1 + 7 * (2 + 1 + 1)
    assert Result.objects.count() == 2 * Evaluation.objects.count()
    assert Environment.objects.get(pull_request__number=living).live is not None


@pytest.mark.timeout(3_600)  # a quarter of a minute of work, and this machine may have others to do
def test_in_a_hundred_days_every_table_stops_growing_and_what_lives_is_there(days: Days) -> None:
    quiet, busy, stopped = days.open(), days.open(), days.open()
    previews.stop(Environment.objects.get(pull_request__number=stopped), by=Actor.person("alice"))
    days.settle()
    at_first = Environment.objects.get(pull_request__number=quiet)
    seen = {}
    # They work every eighth day, which is an eighth of the work for this machine.
    for day in range(8, 121, 8):
        days.ordinary_day(busy, lasts=8)
        if day in {24, 40, 104, 112, 120}:
            seen[day] = counted()
    assert seen[40]["policies_evaluation"] > seen[24]["policies_evaluation"] > 12, "about nothing"
    assert seen[120] == seen[112] == seen[104]
    assert AuditEntry.objects.count() >= 15, "who did what stays for ever"
    assert 15 <= DailyScore.objects.count() <= 2 * 15, "one for a day on which there was a verdict"
    assert 0 < seen[120][Attestation._meta.db_table] <= seen[120]["policies_evaluation"]
    # What lives, however old.
    environment = Environment.objects.get(pull_request__number=quiet)
    assert environment.pk == at_first.pk and environment.live_id == at_first.live_id
    assert Evaluation.objects.filter(pull_request__number=quiet).count() == 1
    moved = Environment.objects.get(pull_request__number=busy)
    assert moved.live is not None and moved.live.commit == moved.pull_request.head_sha
    assert 10 < moved.deployments.count() < 14
    # What somebody stopped stays stopped: a sweep that looks at it again brings nothing back.
    head = PullRequest.objects.get(number=stopped).head_sha
    days.tell("synchronize", stopped, head)
    days.settle()
    assert Environment.objects.get(pull_request__number=stopped).state == "terminated"
    # The newest verdict of the branch that everything is merged into.
    assert Evaluation.objects.filter(ref="refs/heads/main").order_by("-id")[0].state == "passed"
    assert not DeploymentPhase.objects.filter(deployment__environment__pull_request=None).exists()
