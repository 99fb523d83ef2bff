"""A notification wakes everybody who waits for its channel, also what asks forges."""

import asyncio
from datetime import timedelta

import pytest
from django.utils import timezone

from seatrial.control.forges import intake
from seatrial.control.forges.models import Delivery, DeliveryResult
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.outbox.services import Instruction
from seatrial.control.worker.aside import Aside, Errand
from seatrial.control.worker.database import Database
from seatrial.control.worker.due import Due, due_channels
from seatrial.control.worker.wakeups import Wakeups
from tests import factories
from tests.waiting import LIMIT_SECONDS

pytestmark = [pytest.mark.postgres]
LONG = 600.0


async def test_each_waiter_of_a_channel_is_woken_whoever_looks_first() -> None:
    wakeups = Wakeups(["a"])
    waiters = [wakeups.waiter("a") for _ in range(3)]
    async with asyncio.timeout(LIMIT_SECONDS):
        for _ in range(2):
            for waiter in waiters:  # one after the other: none takes the news from the next
                await waiter.wait(LONG)
            wakeups.wake("a")


async def test_news_is_heard_once_and_its_absence_only_costs_the_interval() -> None:
    wakeups = Wakeups(["a", "b"])
    waiter = wakeups.waiter("a")
    async with asyncio.timeout(LIMIT_SECONDS):
        await waiter.wait(LONG)
        wakeups.wake("b")
        again = asyncio.create_task(waiter.wait(LONG))
        assert not (await asyncio.wait({again}, timeout=0.2))[0], "of another channel"
        wakeups.wake("a")
        await again
        await waiter.wait(0.01)


def test_a_waiter_that_is_gone_is_forgotten() -> None:
    wakeups = Wakeups(["a"])
    kept = wakeups.waiter("a")
    wakeups.waiter("a")
    assert list(wakeups._waiters["a"]) == [kept]


@pytest.mark.django_db(transaction=True)
async def test_a_commit_wakes_the_lanes_aside_at_once(
    database: Database,
) -> None:
    wakeups = Wakeups(outbox.CHANNELS)
    done: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def errand(instruction: Instruction) -> Errand:
        def act(body: dict[str, str]) -> None:
            loop.call_soon_threadsafe(done.put_nowait, (str(instruction), body["x"]))

        return Errand(instruction=instruction, act=act)

    lanes = [Aside(database, wakeups, errand(instruction)) for instruction in outbox.ASIDE for _ in range(2)]
    tasks = [asyncio.create_task(run()) for run in (wakeups.listen, *(lane.run for lane in lanes))]
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            for round_ in ("first", "second", "third"):
                for instruction in outbox.ASIDE:
                    await database.run(outbox.instruct, instruction, x=round_)
                    assert await done.get() == (str(instruction), round_)
        assert done.empty()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert await database.run(OutboxMessage.objects.count) == 3 * len(outbox.ASIDE)


@pytest.mark.django_db(transaction=True)
async def test_a_lane_is_woken_for_a_row_that_nobody_told_of_and_no_other_is(database: Database) -> None:
    wakeups = Wakeups(outbox.CHANNELS)  # which hears of nothing: `listen` does not run
    lanes = {subject: wakeups.waiter(outbox.channel(subject)) for subject in outbox.ASIDE}
    for lane in lanes.values():
        await lane.wait()  # each looks once at its start
    await database.run(outbox.instruct, Instruction.COMMENT, x="missed")
    await database.run(outbox.instruct, Instruction.REPORT, x="waits after a failure")
    later = timezone.now() + timedelta(hours=1)
    waits = OutboxMessage.objects.filter(subject=Instruction.REPORT)
    await database.run(waits.update, due_at=later)
    due = asyncio.create_task(Due(database, wakeups).run())
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            await lanes[Instruction.COMMENT].wait()
            others = [lane for subject, lane in lanes.items() if subject != Instruction.COMMENT]
            assert [await lane.wait(0.01) for lane in others] == [False] * len(others)
            await database.run(waits.update, due_at=timezone.now())
            await lanes[Instruction.REPORT].wait()
    finally:
        due.cancel()
        await asyncio.gather(due, return_exceptions=True)


@pytest.mark.django_db
def test_the_relay_and_the_deliveries_are_woken_for_what_nobody_told_of_until_it_is_done() -> None:
    assert due_channels() == set()
    outbox.changed_environment("01ENVIRONMENT")
    source = factories.project(factories.workspace(), "shop").connection
    for result in (DeliveryResult.ACCEPTED, DeliveryResult.REJECTED_PARSE):
        Delivery.objects.create(connection=source, delivery_id=result, event="push", result=result)
    assert due_channels() == {outbox.CHANNEL, intake.CHANNEL}
    OutboxMessage.objects.update(due_at=timezone.now() + timedelta(hours=1))
    assert due_channels() == {intake.CHANNEL}
    intake.waiting().update(handled_at=timezone.now())
    assert due_channels() == set()
