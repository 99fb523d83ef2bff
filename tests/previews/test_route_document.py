"""The document put together by increments is the one that would be written from scratch."""

import json
from typing import Any

import hypothesis.strategies as st
from django.utils import timezone
from hypothesis import given, settings

from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.previews.route_document import Document
from seatrial.control.projects.models import Project
from tests.examples import examples

# The service pr-2-shop of environment 4 and environment 2 want the same label.
NAMES = {1: "pr-1-shop", 2: "pr-2-shop-pr-4-x", 3: "pr-3-shop", 4: "pr-4-x"}
SERVICES = ("web", "api", "pr-2-shop")


def environment(number: int, live: list[Any] | None, candidate: list[Any] | None, gone: bool) -> Environment:
    row = Environment(
        id=f"E{number:025d}",
        name=NAMES[number],
        project=Project(callbacks=number % 2 == 0),
        state="terminated" if gone else "running",
        services=live or [],
    )
    row.live = Deployment(id="L", services=live) if live is not None else None
    if candidate is not None:
        row.candidate = Deployment(id=f"C{number}", services=candidate, ready_at=timezone.now())
    return row


def service(name: str, port: int) -> dict[str, Any]:
    kind = "worker" if port == 3 else "web"
    return {
        "name": name,
        "kind": kind,
        "state": "running",
        "endpoint": f"http://10.0.0.1:{port}" if port else None,
    }


services = st.dictionaries(st.sampled_from(SERVICES), st.integers(0, 3)).map(
    lambda ports: [service(name, port) for name, port in ports.items()]
)
rows = st.builds(
    environment, st.sampled_from(list(NAMES)), st.none() | services, st.none() | services, st.booleans()
)
steps = st.lists(st.one_of(rows, st.sampled_from(["crash", "compare", "deleted"])), max_size=30)


@settings(max_examples=examples(40), deadline=None)
@given(steps)
def test_any_changes_crashes_and_comparisons_lead_to_the_same_document(steps: list[Any]) -> None:
    truth: dict[str, Environment] = {}
    document = Document()
    for step in steps:
        if step == "crash":
            document = Document()
            document.replace(truth.values())
        elif step == "compare":
            assert document.replace(truth.values()) == []
        elif step == "deleted":
            for pk in sorted(truth)[:1]:
                del truth[pk]
            document.replace(truth.values())
        else:
            truth[step.pk] = step
            document.take(step)
            assert not document.take(step), "taking it again changes nothing"
        scratch = Document()
        scratch.replace(reversed(truth.values()))
        assert document.text() == scratch.text()
        assert document.candidates() == scratch.candidates()
        check(document.text())


def check(text: str) -> None:
    """Traefik refuses a whole file in which one name is there twice, or a router leads nowhere."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len({name for name, _ in pairs}) == len(pairs), f"a name twice: {pairs}"
        return dict(pairs)

    http = json.loads(text, object_pairs_hook=once)["http"]
    assert {router["service"] for router in http["routers"].values()} <= http["services"].keys()
    assert all(http.values()), "Traefik refuses empty sections"


def test_a_terminated_environment_is_routed_nowhere_and_waits_for_nothing() -> None:
    document = Document()
    empty = document.text()
    document.take(environment(1, [service("web", 1)], [service("web", 2)], gone=False))
    assert "http://10.0.0.1:2" in document.text() and "http://10.0.0.1:1" not in document.text()
    assert [one.deployment for one in document.candidates()] == ["C1"]
    document.take(environment(1, None, None, gone=True))
    assert document.text() == empty and document.candidates() == []


def test_a_change_serialises_nothing_but_what_changed() -> None:
    document = Document()
    document.replace(environment(number, [service("web", 1)], None, gone=False) for number in NAMES)
    before = document._added[f"E{1:025d}"]
    document.take(environment(3, [service("web", 2)], None, gone=False))
    assert document._added[f"E{1:025d}"] is before


def test_of_two_that_want_one_name_the_older_has_it() -> None:
    older = environment(2, [service("web", 1)], None, gone=False)
    newer = environment(4, [service("web", 2), service("pr-2-shop", 2)], None, gone=False)
    for rows in ([older, newer], [newer, older]):
        document = Document()
        for row in rows:
            document.take(row)
        routed = json.loads(document.text())["http"]["services"][older.name]["loadBalancer"]["servers"]
        assert routed == [{"url": "http://10.0.0.1:1"}]
