"""Every forge over HTTP keeps to its budget, asks for nothing twice, and knows the forge's time."""

from datetime import timedelta
from email.utils import format_datetime

import httpx
import pytest
from django.utils import timezone

from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.http.budget import Budget
from seatrial.control.forges.http.clock import ForgeClock
from seatrial.control.forges.http.etags import Etags
from seatrial.control.forges.http.forge import HttpForge


class Clock:
    """Seconds, as a test tells."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def test_until_a_forge_names_a_number_there_is_no_limit() -> None:
    budget = Budget()
    for _ in range(1000):
        budget.spend()


def test_a_caller_without_requests_left_learns_how_long_to_wait() -> None:
    clock = Clock()
    budget = Budget(clock)
    budget.note(left=2, resets_in_seconds=300)
    budget.spend()
    budget.spend()
    clock.seconds += 60
    with pytest.raises(ForgeError, match="No request is left") as caught:
        budget.spend()
    assert caught.value.retry_after_seconds == 240 and not caught.value.permanent
    clock.seconds += 240
    budget.spend()


def test_an_answer_that_was_overtaken_gives_nothing_back() -> None:
    budget = Budget(Clock())
    budget.note(left=1, resets_in_seconds=300)
    budget.spend()
    budget.note(left=5, resets_in_seconds=300.4)  # sent before the other, read after it
    with pytest.raises(ForgeError):
        budget.spend()
    budget.note(left=5, resets_in_seconds=3600)  # a new period
    budget.spend()


def test_a_forge_that_wants_peace_has_it() -> None:
    clock = Clock()
    budget = Budget(clock)
    budget.pause(30)
    with pytest.raises(ForgeError) as caught:
        budget.spend()
    assert caught.value.retry_after_seconds == 30
    clock.seconds += 30
    budget.spend()


def test_the_etags_used_last_are_kept() -> None:
    etags = Etags(most=2)
    for address in ("/a", "/b"):
        etags.keep(address, "1", address)
    assert etags.get("/a")
    etags.keep("/c", "1", "/c")
    assert [bool(etags.get(address)) for address in ("/a", "/b", "/c")] == [True, False, True]


@pytest.mark.parametrize("date", [None, "", "yesterday", "Wed, 99 Foo 2026"])
def test_a_date_that_is_none_changes_no_clock(date: str | None) -> None:
    clock = ForgeClock()
    clock.heard(date)
    assert abs(clock.now() - timezone.now()) < timedelta(minutes=1)


def test_the_clock_is_the_forges() -> None:
    clock = ForgeClock()
    there = timezone.now() + timedelta(days=3)
    clock.heard(format_datetime(there, usegmt=False))
    assert abs(clock.now() - there) < timedelta(minutes=1)


def answering(*answers: httpx.Response | Exception) -> tuple[HttpForge, list[httpx.Request]]:
    """A forge that answers these in turn, and what it was asked."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        given = answers[len(asked) - 1]
        if isinstance(given, Exception):
            raise given
        return given

    return HttpForge("https://forge.test/api", transport=httpx.MockTransport(answer)), asked


def test_what_has_not_changed_is_not_sent_again() -> None:
    first = httpx.Response(200, json={"a": 1}, headers={"ETag": '"one"'})
    forge, asked = answering(first, httpx.Response(304), httpx.Response(200, json={"a": 2}))
    assert [forge.get("/x") for _ in range(3)] == [{"a": 1}, {"a": 1}, {"a": 2}]
    assert [request.headers.get("If-None-Match") for request in asked] == [None, '"one"', '"one"']


@pytest.mark.parametrize(
    ("answer", "permanent", "message"),
    [
        (httpx.Response(404), True, "forge.test answers 404 Not Found for /api/x"),
        (httpx.Response(422), True, "422"),
        (httpx.Response(301, headers={"Location": "https://elsewhere.test"}), True, "301"),
        (httpx.Response(401), False, "401"),
        (httpx.Response(502), False, "502"),
        (httpx.ConnectError("refused"), False, "forge.test does not answer: refused"),
        (httpx.ReadTimeout("slow"), False, "does not answer"),
        (httpx.Response(200, text="<html>"), False, "is not JSON"),
    ],
)
def test_what_goes_wrong_is_named_and_asked_again_where_that_may_help(
    answer: httpx.Response | Exception, permanent: bool, message: str
) -> None:
    forge, asked = answering(answer)
    with pytest.raises(ForgeError, match=message) as caught:
        forge.get("/x")
    assert caught.value.permanent is permanent and len(asked) == 1


def test_after_a_429_nobody_asks_until_the_time_it_named() -> None:
    forge, asked = answering(httpx.Response(429, headers={"Retry-After": "77"}))
    for _ in range(2):
        with pytest.raises(ForgeError) as caught:
            forge.get("/x")
        assert 60 < caught.value.retry_after_seconds <= 77
    assert len(asked) == 1


def test_a_time_by_the_forges_clock_is_understood_by_it() -> None:
    there = timezone.now() - timedelta(days=400)
    headers = {
        "Date": format_datetime(there),
        "Retry-After": format_datetime(there + timedelta(seconds=600)),
    }
    forge, _ = answering(httpx.Response(503, headers=headers))
    with pytest.raises(ForgeError) as caught:
        forge.get("/x")
    assert 500 < caught.value.retry_after_seconds <= 601


def test_the_budget_is_read_from_every_answer() -> None:
    there = timezone.now() + timedelta(days=2)
    headers = {
        "Date": format_datetime(there),
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(int(there.timestamp()) + 300),
    }
    forge, asked = answering(httpx.Response(200, json=[], headers=headers))
    assert forge.get("/x") == []
    with pytest.raises(ForgeError) as caught:
        forge.get("/y")
    assert 200 < caught.value.retry_after_seconds <= 301 and len(asked) == 1
