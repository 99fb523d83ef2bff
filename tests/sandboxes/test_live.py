"""Live policies, in the sandbox's program: what they are given of a preview, and what ends them."""

import asyncio
from typing import Any

import pytest

from seatrial.agent.sandboxes import previewed
from seatrial.agent.sandboxes.broker import Broker
from seatrial.agent.sandboxes.literals import Literals
from seatrial.agent.sandboxes.previewed import OnPreview
from seatrial.agent.sandboxes.questions import Unanswerable
from seatrial.agent.vocabulary.errors import NotVisited
from seatrial.wire.previews import AskVisit, Preview, PreviewService, Visited, VisitRefused, pack
from tests.sandboxes.conftest import Bench, policy

PREVIEW = Preview(
    deployment="d",
    name="pr-1-shop",
    commit="c",
    services=[PreviewService(name="web", kind="web", state="running")],
)
LOOKS = """
def evaluate(project):
    page = project.visit("/a", headers={"Accept": "text/html"})
    again = project.visit("/a", "api", method="HEAD")
    wrong = ""
    try:
        project.visit("//elsewhere/")
    except ValueError as error:
        wrong = str(error)
    web = project.preview["services"][0]["name"]
    return {"passed": page["status"] == 200, "message": f"{web} {page['body']} {again['status']} {wrong}"}
"""
READS = "def evaluate(project):\n    return {'passed': True, 'message': str(project.preview)}\n"


class Host:
    """Visits as the control plane would answer them."""

    def __init__(self) -> None:
        self.asked: list[AskVisit] = []
        self.refuses: VisitRefused | NotVisited | None = None

    async def __call__(self, asked: AskVisit) -> Visited | VisitRefused:
        self.asked.append(asked)
        if isinstance(self.refuses, NotVisited):
            raise self.refuses
        if self.refuses is not None:
            return self.refuses
        if asked.path.startswith("//"):
            return VisitRefused(message="no path", asked_wrongly=True)
        return Visited(status=200, body=pack("hello")[0])


async def run(bench: Bench, host: Host, *policies: Any, preview: Preview | None = PREVIEW) -> list[Any]:
    bench.evaluations._on_commit.visits = host
    bench.evaluations._on_commit.pauses = (0.0,)
    command = bench.command(*policies).model_copy(update={"preview": preview})
    finished = await bench.evaluations.evaluate(command)
    assert finished.message == ""
    return finished.results


async def test_a_live_policy_visits_and_sees_and_another_one_does_not(processes: Bench) -> None:
    host = Host()
    looks, reads = policy(LOOKS, "looks", live=True), policy(READS, "reads")
    said, other = await run(processes, host, looks, reads)
    assert (said.state, said.message) == ("passed", "web hello 200 no path")
    assert [(one.path, one.service, one.method, one.headers) for one in host.asked] == [
        ("/a", "", "GET", ["Accept: text/html"]),
        ("/a", "api", "HEAD", []),
        ("//elsewhere/", "", "GET", []),
    ]
    assert other.state == "errored" and "LIVE = True" in other.message
    await run(processes, host, looks)
    assert len(host.asked) == 6, "a preview may be another one the next time: nothing is remembered"


async def test_without_a_preview_there_is_nothing_to_say(processes: Bench) -> None:
    (said,) = await run(processes, Host(), policy(LOOKS, live=True), preview=None)
    assert said.state == "skipped" and "No preview of this commit is live" in said.message


CATCHES = """
def evaluate(project):
    try:
        project.visit("/")
    except BaseException:
        pass
    return {"passed": True}
"""


@pytest.mark.parametrize(
    ("refuses", "tries"),
    [
        (VisitRefused(message="it is gone"), 1),
        (VisitRefused(message="it is gone", again=True), 2),
        (NotVisited("it is gone", again=True), 2),
    ],
)
async def test_what_the_host_cannot_visit_is_no_verdict(
    processes: Bench, refuses: VisitRefused | NotVisited, tries: int
) -> None:
    host = Host()
    host.refuses = refuses
    (said,) = await run(processes, host, policy(CATCHES, live=True))
    assert (said.state, said.message) == ("errored", "the preview could not be visited: it is gone")
    assert len(host.asked) == tries


async def test_visits_are_counted_for_each_policy_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previewed, "MOST_VISITS", 2)
    host, broker = Host(), Literals({})
    one, two = (OnPreview(broker, PREVIEW, "run", host) for _ in range(2))
    question = ["visit", ["/", "", "GET", []]]
    await asyncio.gather(one.answer(question), one.answer(question), two.answer(question))
    with pytest.raises(Unanswerable, match="2 times"):
        await one.answer(question)
    for wrong in (["visit", ["/"]], ["visit", ["/", "", "GET", "A: b"]], ["visit", []]):
        with pytest.raises(Unanswerable):
            await two.answer(wrong)
    assert len(host.asked) == 3 and isinstance(broker._broker, Broker)


async def test_a_body_that_nobody_packed_ends_the_policy() -> None:
    class Odd(Host):
        async def __call__(self, asked: AskVisit) -> Visited | VisitRefused:
            return Visited(status=200, body="%%")

    with pytest.raises(NotVisited, match="cannot be read"):
        await OnPreview(Literals({}), PREVIEW, "run", Odd()).answer(["visit", ["/", "", "GET", []]])


async def test_a_policys_own_test_answers_for_the_preview() -> None:
    given = Literals(
        {"preview": {"services": [{"name": "api", "user": "app"}]}, "visit": {"/": {"body": "hello"}}}
    )
    preview, _ = await given.answer(["preview", []])
    assert preview["state"] == "live" and preview["urls"] == {}
    assert preview["services"][0]["user"] == "app" and preview["services"][0]["listening"] is None
    found, _ = await given.answer(["visit", ["/", "", "GET", []]])
    missing, _ = await given.answer(["visit", ["/b", "", "GET", []]])
    assert (found["status"], found["body"], missing["status"]) == (200, "hello", 404)
    odd = Literals({"preview": "odd", "visit": 3})
    assert (await odd.answer(["preview", []]))[0]["services"] == []
    assert (await odd.answer(["visit", ["/", "", "GET", []]]))[0]["status"] == 404
