"""What GitLab tells about webhooks that failed, in each of its versions."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from werkzeug.wrappers import Response

from seatrial.control.accounts.models import Workspace
from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.gitlab import sent
from seatrial.control.forges.gitlab.forge import GitLabForge
from seatrial.control.forges.gitlab.webhooks import GitLabWebhooks
from seatrial.control.forges.protocol import MissedDelivery
from seatrial.control.projects.models import Connection, Project
from tests.forges.hosts.gitlab import GitLabSite
from tests.forges.hosts.site import Hosted, Webhook
from tests.repositories import repository

SHOP, BOT = "acme/web/shop", "seatrial-bot"
HOOK = "https://seatrial.test/api/v1/webhooks/gitlab/1"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
Missed = Callable[..., list[MissedDelivery]]


class Answered(GitLabSite):
    """`answers` are what its next webhooks are answered; then nobody answers."""

    answers: list[int]

    def post(self, webhook: Webhook, headers: dict[str, str], body: bytes) -> int:
        return self.answers.pop(0) if self.answers else 0


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "shop"
    repository(path, {"a": "1"})
    return path


@pytest.fixture
def site(tmp_path: Path, source: Path) -> Iterator[Answered]:
    site = Answered(tmp_path / "gitlab")
    site.answers = []
    site.person(BOT)
    with site.serving():
        site.repository(SHOP, source, admin=BOT).webhooks = [
            Webhook(7, HOOK, "a secret", ["push", "pull_request"]),
            Webhook(8, "https://other.test/", "", ["push"]),
        ]
        yield site
    assert site.complaints == []


@pytest.fixture
def hosted(site: Answered) -> Hosted:
    return site.repositories[SHOP]


@pytest.fixture
def forge(site: Answered) -> GitLabForge:
    return GitLabForge(
        Connection(forge="gitlab", name="g", base_url=site.url, credential=site.people[BOT].token)
    )


@pytest.fixture
def missed(forge: GitLabForge, hosted: Hosted) -> Missed:
    project = Project(
        workspace=Workspace(slug="ours", name="Ours"), full_name=SHOP, external_id=str(hosted.id)
    )
    return lambda since=LONG_AGO: forge.missed_deliveries(project, HOOK, since)


def deliver(site: Answered, hosted: Hosted, guid: str, *answers: int) -> None:
    """A push to our webhook, with an attempt for each answer."""
    body = json.dumps(site.push_payload(hosted, "main", "0" * 40, "a" * 40)).encode()
    for answer in answers:
        site.answers = [answer]
        site.deliver(hosted.webhooks[0], "push", body, guid)


@pytest.mark.parametrize("answer", [202, 401, 0])
def test_a_test_that_gitlab_sent_is_sent_whatever_it_was_answered(
    site: Answered, forge: GitLabForge, hosted: Hosted, answer: int
) -> None:
    site.answers = [answer]
    project = Project(full_name=SHOP, external_id=str(hosted.id))
    forge.test_webhook(project, HOOK)
    assert [one.status for one in site.deliveries] == [answer]


def lists(site: Answered) -> int:
    return sum(one.endswith("/events") for one in site.asked)


def test_what_no_attempt_brought_is_missed_and_comes_as_it_was_sent(
    site: Answered, hosted: Hosted, forge: GitLabForge, missed: Missed
) -> None:
    for guid, answers in {"a": [0], "b": [202], "c": [500, 302], "d": [401, 202], "e": [503]}.items():
        deliver(site, hosted, guid, *answers)
    site.deliver(hosted.webhooks[1], "push", b"{}", "of another webhook")
    found = missed()
    assert [one.delivery_id for one in found] == ["a", "c", "e"]
    kept = forge.kept_delivery(Project(), found[0])
    assert json.loads(kept.body) == json.loads(site.deliveries[0].body)
    named = GitLabWebhooks().read(kept.headers)
    assert (named.delivery_id, named.event) == ("a", "Push Hook")
    assert "a secret" not in str(kept.headers)


def test_a_signed_one_has_the_id_that_it_came_with(site: Answered, hosted: Hosted, missed: Missed) -> None:
    site.signing[7] = "whsec_" + "A" * 44
    deliver(site, hosted, "a", 0)
    sent_with = GitLabWebhooks().read(site.deliveries[0].headers)
    assert [one.delivery_id for one in missed()] == [sent_with.delivery_id]


def test_one_of_the_same_second_is_not_too_old(site: Answered, hosted: Hosted, missed: Missed) -> None:
    deliver(site, hosted, "a", 0)
    second = datetime.now(UTC).replace(microsecond=0)
    site.deliveries[-1].at = second
    assert [one.delivery_id for one in missed(second.replace(microsecond=999999))] == ["a"]


def test_many_are_read_page_by_page_until_the_time_that_matters(
    site: Answered, hosted: Hosted, missed: Missed
) -> None:
    start = datetime.now(UTC).replace(microsecond=0)
    for number in range(45):
        deliver(site, hosted, f"{number:02}", 0)
        site.deliveries[-1].at = start - timedelta(minutes=45 - number)
        hosted.webhooks[0].active = True
    assert [one.delivery_id for one in missed()] == [f"{number:02}" for number in range(45)]
    assert lists(site) == 3
    found = missed(start - timedelta(minutes=5))
    assert [one.delivery_id for one in found] == ["40", "41", "42", "43", "44"]
    assert lists(site) == 4
    assert found[0].sent_at == start - timedelta(minutes=5)


def test_of_very_many_the_newest_are_read(
    site: Answered, hosted: Hosted, missed: Missed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sent, "MOST", 20)
    for number in range(30):
        deliver(site, hosted, f"{number:02}", 0)
    assert [one.delivery_id for one in missed()] == [f"{number:02}" for number in range(10, 30)]
    assert lists(site) == 1


def test_where_it_does_not_say_when_the_answers_tell_and_it_is_thought_to_be_earlier_rather_than_later(
    site: Answered, hosted: Hosted, missed: Missed
) -> None:
    site.dates = False
    start = datetime.now(UTC).replace(microsecond=0)
    for number, answer in enumerate([0, 500, 0, 502, 0]):
        deliver(site, hosted, str(number), answer)
        site.deliveries[-1].at = start - timedelta(minutes=50 - 10 * number)
    since = start - timedelta(minutes=45)
    found = missed(since)
    ago = {one.delivery_id: (start - one.sent_at) / timedelta(minutes=1) for one in found}
    assert ago == {"0": 45, "1": 40, "2": 40, "3": 20, "4": 20}


def test_a_gitlab_that_does_not_tell_is_said_once(site: Answered, hosted: Hosted, missed: Missed) -> None:
    site.tells = False
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            with pytest.raises(ForgeError):
                missed()
    assert [one["log_level"] for one in logs] == ["warning"]


@pytest.mark.parametrize(("version", "given"), [("17.3.0", True), ("17.2.9-ee", False), ("", None)])
def test_the_page_of_the_connection_says_whether_it_tells(
    site: Answered, forge: GitLabForge, version: str, given: bool | None
) -> None:
    site.version = version
    (right,) = [one for one in forge.account().rights if "failed" in one.name]
    assert right.given is given and "17.3" in right.without


def test_who_may_not_see_webhooks_may_not_see_what_failed(
    site: Answered, hosted: Hosted, missed: Missed
) -> None:
    hosted.members[BOT] = "write"
    with pytest.raises(ForgeError, match="403"):
        missed()


@pytest.mark.parametrize(
    "odd",
    [
        {"id": 1},
        {"id": 1, "request_headers": [], "request_data": 7, "response_headers": "x", "response_status": None},
        {"id": 1, "request_headers": {"Idempotency-Key": 7, "X-Gitlab-Event": None, "X\n": "é\r\n"}},
        {"id": 1, "request_headers": {"webhook-timestamp": "9" * 40}, "response_headers": {"Date": "soon"}},
    ],
)
def test_what_is_not_one_of_our_deliveries_is_left_out(
    site: Answered, missed: Missed, odd: dict[str, object]
) -> None:
    hooks = [{"id": 7, "url": HOOK}]
    site.faults.append(Response(json.dumps(hooks), content_type="application/json"))
    site.faults.append(Response(json.dumps([odd]), content_type="application/json"))
    assert missed() == []


def test_what_was_too_large_to_be_kept_is_shown_as_such(
    site: Answered, hosted: Hosted, forge: GitLabForge, missed: Missed
) -> None:
    deliver(site, hosted, "a", 0)
    site.deliveries[-1].body = b'{"oversize": true}'
    (found,) = missed()
    assert forge.kept_delivery(Project(), found).body == b'{"oversize": true}'
