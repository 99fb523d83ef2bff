"""What GitLab's webhooks leave out is asked for; either way of proving who sends them is enough."""

from collections.abc import Callable
from pathlib import Path

import pytest

from seatrial.control.forges import hooks
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.models import Delivery
from seatrial.control.policies.models import Evaluation
from seatrial.control.projects.models import Project, PullRequest
from seatrial.control.triggers.comparing import compare
from tests.forges.hosts.gitlab import GitLabSite
from tests.repositories import commit
from tests.triggers.conftest import jobs
from tests.triggers.hosted import SHOP
from tests.triggers.test_hosted import handle, project

__all__ = ["project"]  # a fixture
pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
Lanes = Callable[[], None]


@pytest.fixture
def which() -> str:
    return "gitlab"


def test_an_evaluation_has_the_base_that_the_webhook_did_not_tell(
    site: GitLabSite, project: Project, lanes: Lanes
) -> None:
    pull = site.open_pull(SHOP, "feature", author="ann")
    handle()
    assert Evaluation.objects.get(pull_request__number=pull.number).base_commit == ""
    lanes()
    assert [job.base_commit for job in jobs() if job.number == pull.number] == [pull.base]


def test_the_author_stays_the_author(
    site: GitLabSite, project: Project, forges: Forges, source: Path
) -> None:
    pull = site.open_pull(SHOP, "feature", author="ann", title="Add a cart")
    handle()
    compare(forges, project)
    known = PullRequest.objects.get()
    assert (known.author, known.base_sha) == ("ann", pull.base)
    commit(source, {"b": "2"})
    site.push(SHOP, source, "feature")
    handle()
    known.refresh_from_db()
    assert (known.author, known.head_sha) == ("ann", pull.head)


@pytest.mark.parametrize("signs", [True, False])
def test_a_gitlab_of_any_age_is_believed(
    signs: bool, site: GitLabSite, project: Project, lanes: Lanes
) -> None:
    site.signs = signs
    site.signing.clear()
    hooks.ask(project)
    lanes()
    assert bool(site.signing) is signs
    site.open_pull(SHOP, "feature", author="ann")
    assert set(Delivery.objects.values_list("result", flat=True)) == {"accepted"}
