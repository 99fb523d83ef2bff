"""The state of candidates by Traefik's API: applied, not yet applied and why, or unknown."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from seatrial.control.previews import routes
from seatrial.control.worker.traefik import ONE_BY_ONE, Traefik
from tests.bus.servers import free_port
from tests.worker.traefik_api import Api


def candidates(count: int) -> list[routes.Candidate]:
    return [
        routes.Candidate(f"E{n}", f"D{n}", {f"s{n}": f"http://10.0.0.{n}:80"}, {f"s{n}": f"s{n}"})
        for n in range(count)
    ]


async def asked(url: str, look: Callable[[Traefik], Awaitable[Any]]) -> Any:
    traefik = Traefik(url)
    try:
        return await look(traefik)
    finally:
        await traefik.aclose()


@pytest.mark.parametrize("count", [3, 3 * ONE_BY_ONE])
async def test_many_are_asked_for_at_once(api: Api, count: int) -> None:
    waiting = candidates(count)
    for candidate in waiting[1:]:
        api.show(candidate)
    findings = await asked(api.url, lambda traefik: traefik.look(waiting))
    assert [one.applied for one in findings] == [False] + [True] * (count - 1)
    assert len(api.asked) <= 2 * count if count <= ONE_BY_ONE else len(api.asked) <= 4


@pytest.mark.parametrize(
    ("shown", "why"),
    [
        (
            {"services": {"s0": {"loadBalancer": {"servers": [{"url": "http://old"}]}}}},
            "to http://old, not to",
        ),
        ({"services": {"s0": {"status": "disabled", "error": ["no such url"]}}}, "service s0: no such url"),
        ({"routers": {}}, "does not show router s0"),
        ({"routers": {"s0": {"status": "disabled", "error": ["bad rule"]}}}, "router s0: bad rule"),
        ({"routers": {"s0": {"service": "other"}}}, "router s0 to other, not to s0"),
    ],
)
async def test_what_is_not_as_it_must_be_is_named(api: Api, shown: dict[str, Any], why: str) -> None:
    waiting = candidates(1)
    api.show(waiting[0])
    for kind, value in shown.items():
        setattr(api, kind, value)
    (finding,) = await asked(api.url, lambda traefik: traefik.look(waiting))
    assert not finding.applied and finding.answered and why in finding.why


@pytest.mark.parametrize("status", [401, 500])
async def test_a_server_that_is_not_traefik_says_nothing_about_routes(api: Api, status: int) -> None:
    api.status = status
    (finding,) = await asked(api.url, lambda traefik: traefik.look(candidates(1)))
    assert (finding.applied, finding.answered) == (False, False) and f"status {status}" in finding.why


async def test_without_a_route_nobody_has_to_wait_for_traefik() -> None:
    nothing = routes.Candidate("E", "D", {}, {})
    url = f"http://127.0.0.1:{free_port()}"
    findings = await asked(url, lambda traefik: traefik.look([nothing, *candidates(1)]))
    assert [one.applied for one in findings] == [True, False]
