"""Visits for policies: only to the preview that an agent's own run looks at, and only as a visitor would."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from django.utils import timezone

from seatrial.control.configuration import Configuration
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews.models import Environment
from seatrial.control.triggers.visiting import Destination, NotVisited, destination
from seatrial.control.worker import visits
from seatrial.control.worker.visits import door, visited
from seatrial.wire.previews import MOST_BODY, AskVisit, Visited, unpack
from tests import factories

Handler = Callable[[str, asyncio.StreamWriter], Awaitable[None]]


class Scene:
    """One live preview that an evaluation of agent one looks at, and another that nobody looks at."""

    def __init__(self) -> None:
        project = factories.project(factories.workspace(), "shop")
        self.one, self.two = factories.agent("one"), factories.agent("two")
        self.environment = factories.running(factories.pull_request(project))
        self.other = factories.running(factories.pull_request(project))
        assert self.environment.live is not None
        self.evaluation = factories.evaluation(
            self.environment.pull_request,
            state="running",
            event="preview",
            deployment=self.environment.live.pk,
            agent=self.one.pk,
        )

    def asked(self, path: str = "/", **fields: object) -> AskVisit:
        return AskVisit.model_validate({"run": self.evaluation.pk, "path": path, **fields})

    def refused(self, asked: AskVisit, agent: str = "") -> NotVisited:
        with pytest.raises(NotVisited) as refusal:
            destination(agent or self.one.pk, asked)
        return refusal.value


@pytest.fixture
def scene(db: None) -> Scene:
    return Scene()


@pytest.mark.postgres
def test_a_visit_goes_to_the_preview_and_to_the_service_that_is_named(scene: Scene) -> None:
    name = scene.environment.name
    where = destination(scene.one.pk, scene.asked("/a?b=/../c", headers=["Accept: text/html"]))
    assert where.url == f"http://{name}.preview.localhost/a?b=/../c"
    assert (where.method, where.headers) == ("GET", {"Accept": "text/html"})
    api = destination(scene.one.pk, scene.asked("/", service="api", method="HEAD"))
    assert api.url == f"http://api-{name}.preview.localhost/"


@pytest.mark.postgres
@pytest.mark.parametrize(
    "path",
    [
        "//elsewhere/",
        "http://elsewhere/",
        "",
        "a",
        "/../secret",
        "/a/%2e%2e/b",
        "/a/..",
        "/%2E%2E\\x",
        "/\\elsewhere",
        "/a\r\nHost: elsewhere",
        "/a b",
        "/\x00",
        "/é",
        "@elsewhere/",
        ":80@elsewhere/",
        "/" + "x" * 2_000,
    ],
)
def test_no_path_leads_anywhere_else(scene: Scene, path: str) -> None:
    assert scene.refused(scene.asked(path)).asked_wrongly


@pytest.mark.postgres
@pytest.mark.parametrize(
    "fields",
    [
        {"method": "POST"},
        {"method": "CONNECT"},
        {"service": "db"},
        {"service": "elsewhere"},
        *(
            {"headers": [line]}
            for line in (
                "Host: elsewhere",
                "x-forwarded-for: 127.0.0.1",
                "Transfer-Encoding: chunked",
                "Content-Length: 5",
                "A: b\r\nHost: elsewhere",
                "A\r\nB: c",
                "no colon",
                ": empty",
                "A: é",
                "A: " + "x" * 1_000,
            )
        ),
        {"headers": [f"A{number}: b" for number in range(21)]},
    ],
)
def test_nor_does_a_method_a_service_or_a_header(scene: Scene, fields: dict[str, object]) -> None:
    assert scene.refused(scene.asked(**fields)).asked_wrongly


@pytest.mark.postgres
def test_nobody_else_visits_it_and_nothing_else_is_visited(scene: Scene) -> None:
    assert "runs nothing" in str(scene.refused(scene.asked(), scene.two.pk)), "the agent beside"
    assert "never registered" in str(scene.refused(scene.asked(), "0" * 26)), "a stranger"
    assert "runs nothing" in str(scene.refused(AskVisit(run=scene.environment.pk, path="/")))
    looks_at_code = factories.evaluation(scene.other.pull_request, state="running", agent=scene.one.pk)
    assert "runs nothing" in str(scene.refused(AskVisit(run=looks_at_code.pk, path="/")))
    Evaluation.objects.filter(pk=scene.evaluation.pk).update(state="passed")
    assert "runs nothing" in str(scene.refused(scene.asked())), "it has ended"
    Evaluation.objects.filter(pk=scene.evaluation.pk).update(state="running")
    scene.one.state = "revoked"
    scene.one.save()
    assert "revoked" in str(scene.refused(scene.asked()))


@pytest.mark.postgres
def test_who_asks_before_its_report_came_is_waited_for_and_nobody_else(scene: Scene) -> None:
    taken = {"state": "queued", "agent": "", "queued_at": timezone.now()}
    Evaluation.objects.filter(pk=scene.evaluation.pk).update(**taken)
    assert scene.refused(scene.asked()).soon
    Evaluation.objects.filter(pk=scene.evaluation.pk).update(queued_at=None)
    assert not scene.refused(scene.asked()).soon
    assert not scene.refused(AskVisit(run="0" * 26, path="/")).soon


@pytest.mark.postgres
def test_another_version_is_not_visited_in_its_place(scene: Scene) -> None:
    newer = factories.deployment(scene.environment, state="live")
    Environment.objects.filter(pk=scene.environment.pk).update(live=newer)
    assert "not live any more" in str(scene.refused(scene.asked()))
    Environment.objects.filter(pk=scene.environment.pk).update(live=None, state="stopped")
    assert "not live any more" in str(scene.refused(scene.asked()))


@asynccontextmanager
async def ingress(handle: Handler) -> AsyncIterator[Configuration]:
    """Something that answers as an ingress would, and the configuration that leads there."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        try:
            await handle(head, writer)
            await writer.drain()
        except ConnectionError:
            pass  # the visitor has had enough
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield Configuration.model_validate(
            {"galley_traefik_api_url": "http://127.0.0.1:1", "galley_preview_port": port}
        )


async def visit(handle: Handler, path: str = "/", **fields: object) -> Visited:
    async with ingress(handle) as configuration:
        url = f"http://pr-1-shop.preview.localhost:{configuration.galley_preview_port}{path}"
        values = {"deployment": "d", "url": url, "method": "GET", "headers": {}, **fields}
        return await visited(configuration, Destination(**values))  # type: ignore[arg-type]


def answering(*parts: bytes) -> Handler:
    async def handle(head: str, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)

    return handle


async def test_the_ingress_is_asked_as_a_visitor_asks() -> None:
    heads: list[str] = []

    async def handle(head: str, writer: asyncio.StreamWriter) -> None:
        heads.append(head)
        writer.write(
            b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nContent-Length: 6\r\n\r\nd\xc3\xa9j\xc3\xa0"
        )

    said = await visit(handle, "/a?b=c", headers={"accept": "text/html", "X-Own": "1"})
    assert heads[0].startswith("GET /a?b=c HTTP/1.1\r\n")
    assert "\r\nhost: pr-1-shop.preview.localhost:" in heads[0].lower()
    assert "x-own: 1" in heads[0].lower() and heads[0].lower().count("accept: ") == 1
    assert (said.status, unpack(said.body), said.left_out, said.why) == (200, "déjà", False, "")
    assert said.headers["set-cookie"] == "a=1\nb=2" and said.seconds > 0


async def test_a_redirect_is_told_and_not_followed() -> None:
    heads: list[str] = []

    async def handle(head: str, writer: asyncio.StreamWriter) -> None:
        heads.append(head)
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://pr-2-shop.preview.localhost/\r\n")
        writer.write(b"Content-Length: 0\r\n\r\n")

    said = await visit(handle)
    assert (said.status, said.headers["location"]) == (302, "http://pr-2-shop.preview.localhost/")
    assert len(heads) == 1


async def test_a_huge_body_is_cut_and_said_to_be() -> None:
    said = await visit(answering(b"HTTP/1.1 200 OK\r\n\r\n", *[b"a" * 100_000] * 30))
    assert (said.status, len(unpack(said.body)), said.left_out) == (200, MOST_BODY, True)
    assert "more than 1,000,000 bytes" in said.why


async def test_a_body_that_packs_badly_still_fits_into_a_message() -> None:
    noise = bytes((number * number * 31 + number // 7) % 251 for number in range(900_000))
    said = await visit(answering(b"HTTP/1.1 200 OK\r\nContent-Type: a/b; charset=latin-1\r\n\r\n", noise))
    assert said.status == 200 and len(said.body) < 650_000
    assert unpack(said.body) == noise.decode("latin-1")[: len(unpack(said.body))]


async def test_a_packed_body_is_not_unpacked() -> None:
    said = await visit(answering(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nbomb"))
    assert (said.status, said.body, said.left_out) == (200, "", True)
    assert "packed (gzip)" in said.why


async def test_a_slow_answer_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "VISIT_SECONDS", 0.3)

    async def handle(head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf")
        await writer.drain()
        await asyncio.sleep(30)

    said = await visit(handle)
    assert (said.status, unpack(said.body) if said.body else "", said.left_out) == (200, "half", True)
    assert said.why == "took more than 0.3 s"


@pytest.mark.parametrize("answer", [b"", b"no HTTP\r\n\r\n", b"HTTP/1.1 200 OK\r\nA\x00: b\r\n\r\n"])
async def test_no_answer_is_none(answer: bytes) -> None:
    said = await visit(answering(answer))
    assert said.status is None and said.why and not said.left_out


@pytest.mark.parametrize(
    ("url", "settings", "wanted"),
    [
        ("http://a.example/x", {"galley_traefik_api_url": "http://traefik:8080"}, "http://traefik:80/x"),
        ("http://a.example:81/", {"galley_traefik_api_url": "http://[::1]:9"}, "http://[::1]:81/"),
        (
            "https://a.example/x?y",
            {"galley_ingress_url": "https://traefik:8443/"},
            "https://traefik:8443/x?y",
        ),
        (
            "https://a.example/x",
            {"galley_traefik_api_url": "http://traefik:8080", "galley_ingress_url": ""},
            "https://a.example/x",
        ),
    ],
)
def test_where_the_ingress_is(url: str, settings: dict[str, str], wanted: str) -> None:
    configuration = Configuration.model_validate(settings)
    assert door(configuration, url) == (wanted, url.split("/")[2])
