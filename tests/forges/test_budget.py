"""A connection's requests are never used up by us: who can wait waits first, and says until when."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from seatrial.control.forges.errors import Limited
from seatrial.control.forges.github.limits import PACE
from seatrial.control.forges.http.budget import Budget, Standing
from seatrial.control.forges.http.meters import Local, Meter, Taken
from seatrial.control.forges.http.turns import AT_ONCE, Turns
from seatrial.control.forges.urgency import Urgency, asking, current
from seatrial.control.worker.database import Database


class Clock:
    """Seconds, as a test tells."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budget(clock: Clock) -> Budget:
    return Budget(clock)


def told(budget: Budget, left: int, resets_in: float = 300, most: int | None = None) -> None:
    """One request is answered with these numbers."""
    budget.spend()
    budget.answered(Standing(left=left, most=most, resets_in=resets_in))


def accepted(budget: Budget, urgency: Urgency) -> Iterator[int]:
    """How many requests are left, before each one that is accepted."""
    while True:
        try:
            budget.spend(urgency)
        except Limited:
            return
        yield budget.standing().left or 0
        budget.answered()


def test_until_a_forge_names_a_number_there_is_no_limit(budget: Budget) -> None:
    for _ in range(1000):
        budget.spend()
        budget.answered()


def test_a_caller_without_requests_left_learns_how_long_to_wait(budget: Budget, clock: Clock) -> None:
    told(budget, 2)
    assert len(list(accepted(budget, Urgency.REPORT))) == 2
    clock.seconds += 60
    with pytest.raises(Limited, match=r"No request is left at the forge until \d\d:\d\d UTC") as caught:
        budget.spend()
    assert caught.value.retry_after_seconds == 240 and not caught.value.permanent
    clock.seconds += 240
    budget.spend()


def test_sweeps_stop_before_facts_and_facts_before_reports(budget: Budget) -> None:
    told(budget, 1000, most=1000)
    assert min(accepted(budget, Urgency.LOOK)) == 201
    assert min(accepted(budget, Urgency.FACTS)) == 101
    with pytest.raises(
        Limited, match=r"last 100 requests .* are kept for what is more urgent, until"
    ) as caught:
        budget.spend(Urgency.FACTS)
    assert caught.value.retry_after_seconds == 300
    assert min(accepted(budget, Urgency.REPORT)) == 1


def test_where_the_forge_names_no_whole_the_most_that_was_seen_counts(budget: Budget) -> None:
    told(budget, 50)
    assert min(accepted(budget, Urgency.LOOK)) == 11


def test_requests_under_way_are_counted(budget: Budget) -> None:
    told(budget, 3)
    for _ in range(3):
        budget.spend()
    with pytest.raises(Limited):
        budget.spend()
    budget.answered(Standing(left=3, resets_in=300))  # it cost nothing
    budget.spend()


def test_an_answer_that_was_overtaken_gives_nothing_back(budget: Budget) -> None:
    for _ in range(4):
        budget.spend()
    budget.answered(Standing(left=0, resets_in=300))
    budget.answered(Standing(left=1, resets_in=300.4))  # sent before the other, read after it
    with pytest.raises(Limited):
        budget.spend()
    budget.answered(Standing(left=5, resets_in=3600))  # a new period
    budget.answered(Standing(left=0, resets_in=300))  # of the old one
    budget.spend()


def test_a_forge_that_wants_peace_has_it_however_urgent_it_is(budget: Budget, clock: Clock) -> None:
    told(budget, 4000, most=5000)
    budget.pause(30)
    budget.pause(5)
    with pytest.raises(Limited, match=r"wants to be asked nothing until \d\d:\d\d UTC") as caught:
        budget.spend(Urgency.REPORT)
    assert caught.value.retry_after_seconds == 30
    clock.seconds += 30
    budget.spend()


class Memory:
    """What processes share. `asked` and `told` count."""

    def __init__(self) -> None:
        self.standing = Standing()
        self.asked, self.told = 0, 0

    def read(self) -> Standing:
        self.asked += 1
        return self.standing

    def write(self, standing: Standing) -> None:
        self.told += 1
        self.standing = standing

    def take(self, meter: Meter, seconds: float, most: float) -> Taken:
        raise AssertionError("only a budget is shared here")


def test_a_pause_holds_for_the_other_processes_within_seconds(clock: Clock) -> None:
    memory, web, worker = Memory(), Budget(clock), Budget(clock)
    for one in (web, worker):
        one.share(memory)
        one.spend()
        one.answered()
    worker.pause(60)
    clock.seconds += 2
    with pytest.raises(Limited):
        web.spend()


def test_the_last_request_of_one_process_is_the_last_of_all(clock: Clock) -> None:
    memory, web, worker = Memory(), Budget(clock), Budget(clock)
    for one in (web, worker):
        one.share(memory)
        told(one, 100)
    told(worker, 0, resets_in=299)
    clock.seconds += 2
    with pytest.raises(Limited):
        web.spend()


def test_many_requests_cost_few_words_between_processes(budget: Budget, clock: Clock) -> None:
    memory = Memory()
    budget.share(memory)
    for left in range(5000, 4000, -1):
        told(budget, left, most=5000)
        clock.seconds += 0.01
    assert (memory.asked, memory.told) == (5, 2)
    assert 4490 < memory.standing.left <= 4500


# turns


def test_no_more_than_a_few_requests_are_at_the_forge_at_once() -> None:
    turns, together, release = Turns(), Barrier(AT_ONCE + 1), Event()
    inside: list[int] = []

    def ask(number: int) -> None:
        with turns.taken("GET", Urgency.REPORT):
            inside.append(number)
            if number < AT_ONCE:
                together.wait(60)
            assert release.wait(60)

    with ThreadPoolExecutor(AT_ONCE + 3) as pool:
        first = [pool.submit(ask, number) for number in range(AT_ONCE)]
        together.wait(60)
        later = [pool.submit(ask, number) for number in range(AT_ONCE, AT_ONCE + 3)]
        assert len(inside) == AT_ONCE
        release.set()
        for one in (*first, *later):
            one.result(60)
    assert len(inside) == AT_ONCE + 3


def test_one_change_is_made_after_the_other() -> None:
    turns = Turns()
    changing = 0

    def change(_: int) -> None:
        nonlocal changing
        with turns.taken("POST", Urgency.REPORT):
            changing += 1
            assert changing == 1
            changing -= 1

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(change, range(200)))


def test_a_few_changes_go_at_once_and_many_a_second_apart(clock: Clock) -> None:
    turns = Turns(PACE, clock=clock, sleep=clock.sleep)
    at = []
    for _ in range(20):
        with turns.taken("POST", Urgency.REPORT):
            at.append(clock.seconds)
    assert at == [1000.0] * 10 + [1000.0 + second for second in range(1, 11)]


def test_a_minute_has_so_many_points_and_sweeps_leave_some(clock: Clock) -> None:
    turns = Turns(PACE, clock=clock, sleep=clock.sleep)

    def asked(method: str, urgency: Urgency) -> int:
        count = 0
        try:
            while True:
                with turns.taken(method, urgency):
                    count += 1
        except Limited as limited:
            assert 0 < limited.retry_after_seconds <= 1
        return count

    assert asked("GET", Urgency.LOOK) == 720
    assert asked("GET", Urgency.REPORT) == 180
    clock.seconds += 30
    assert asked("GET", Urgency.REPORT) == 450


COMMENT = "/repos/acme/shop/issues/7/comments"


def times(turns: Turns, clock: Clock, path: str, *, for_seconds: float) -> list[float]:
    """When changes go, made as fast as they may."""
    began, at = clock.seconds, []
    while clock.seconds < began + for_seconds:
        try:
            with turns.taken("POST", Urgency.REPORT, path):
                at.append(clock.seconds)
        except Limited as limited:
            clock.seconds += limited.retry_after_seconds
    return at


def busiest(at: list[float], seconds: float) -> int:
    """How many are in the busiest time of this length."""
    return max(sum(start <= one < start + seconds for one in at) for start in at)


def test_several_processes_together_keep_to_the_pace(clock: Clock) -> None:
    shared = Local(clock)
    first, second = (Turns(PACE, clock=clock, sleep=clock.sleep) for _ in range(2))
    for one in (first, second):
        one.share(shared)
    at = []
    for _ in range(100):
        for turns in (first, second):
            with turns.taken("POST", Urgency.REPORT):
                at.append(clock.seconds)
    assert busiest(at, 60) <= 80


def test_no_hour_has_more_comments_than_github_likes_and_statuses_go_on(clock: Clock) -> None:
    turns = Turns(PACE, clock=clock, sleep=clock.sleep)
    at = times(turns, clock, COMMENT, for_seconds=7200)
    assert 400 < busiest(at, 3600) <= 500 and busiest(at, 60) <= 80
    with pytest.raises(Limited, match="500 comments an hour"):
        for _ in range(200):
            with turns.taken("POST", Urgency.REPORT, COMMENT):
                pass
    with turns.taken("POST", Urgency.REPORT, "/repos/acme/shop/statuses/abc"):
        pass


def test_points_are_taken_by_many_at_once(clock: Clock) -> None:
    shared, turns = Counting(clock), Turns(PACE, clock=clock, sleep=clock.sleep)
    turns.share(shared)
    for _ in range(875):
        with turns.taken("GET", Urgency.REPORT):
            pass
    assert shared.asked == 35
    with pytest.raises(Limited):
        for _ in range(26):
            with turns.taken("GET", Urgency.REPORT):
                pass


class Counting(Local):
    asked = 0

    def take(self, meter: Meter, seconds: float, most: float) -> Taken:
        self.asked += 1
        return super().take(meter, seconds, most)


# urgency


async def test_the_urgency_is_known_in_the_threads_that_ask() -> None:
    threads = Database(1)
    try:
        with asking(Urgency.LOOK):
            assert await threads.run(current) is Urgency.LOOK
        assert await threads.run(current) is Urgency.REPORT
    finally:
        threads.close()
