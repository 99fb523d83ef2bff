"""Visits previews for policies, through the ingress, as a visitor would: see ADR 57. Agents ask, in their policies' name."""

import asyncio
import time
from urllib.parse import urlsplit

import httpx
import structlog

from seatrial.control.bus import Bus
from seatrial.control.configuration import Configuration
from seatrial.control.outbound import async_client
from seatrial.control.triggers.visiting import Destination, NotVisited, destination
from seatrial.control.worker.answering import Answering, Subject
from seatrial.control.worker.database import Database
from seatrial.control.worker.supervision import expected
from seatrial.wire import subjects
from seatrial.wire.previews import (
    ANSWER_SECONDS,
    MOST_BODY,
    VISIT_SECONDS,
    AskVisit,
    Visited,
    VisitRefused,
    pack,
)

log = structlog.get_logger(__name__)

HEARD_OF_SECONDS = 5.0  # in which reports of agents come
AGAIN_SECONDS = 0.2
MOST_HEADERS = 50_000  # characters of all headers of an answer
AGENT = "Seatrial (live policies)"
VISIT = Subject("visit", subjects.VISITS, "visits", AskVisit, at_once=8, seconds=ANSWER_SECONDS)


class Visits:
    """Whether the agent may visit that preview is looked at before and after: what another version answered meanwhile is not told."""

    def __init__(self, database: Database, bus: Bus, configuration: Configuration) -> None:
        self._database = database
        self._configuration = configuration
        self._answering = Answering(bus, VISIT, self._answer, lambda question: {"run": question.run})

    async def run(self) -> None:
        """Runs for ever."""
        await self._answering.run()

    async def _answer(self, agent: str, question: AskVisit) -> Visited | VisitRefused:
        try:
            before = await self._permitted(agent, question)
            answer = await visited(self._configuration, before)
            await self._database.run(destination, agent, question)
            return answer
        except NotVisited as refused:
            return VisitRefused(message=str(refused), asked_wrongly=refused.asked_wrongly)
        except Exception as error:
            log.error("not visited", agent=agent, run=question.run, exc_info=not expected(error))
            return VisitRefused(
                message="the control plane cannot visit now: see the log of its worker", again=True
            )

    async def _permitted(self, agent: str, question: AskVisit) -> Destination:
        """An agent reports that it took a run just before its policies ask, so that is waited for."""
        until = asyncio.get_running_loop().time() + HEARD_OF_SECONDS
        while True:
            try:
                return await self._database.run(destination, agent, question)
            except NotVisited as refused:
                if not refused.soon or asyncio.get_running_loop().time() > until:
                    raise
            await asyncio.sleep(AGAIN_SECONDS)


async def visited(configuration: Configuration, where: Destination) -> Visited:
    """What a visitor gets there. Never raises for what the preview does or does not do."""
    address, host = door(configuration, where.url)
    headers = {"User-Agent": AGENT, "Accept": "*/*", "Accept-Encoding": "identity", **where.headers}
    headers = {**{name.lower(): value for name, value in headers.items()}, "host": host}
    began = time.monotonic()
    got = _Got()
    try:
        async with (
            asyncio.timeout(VISIT_SECONDS),
            async_client(configuration, to=[address], trust_env=False, timeout=VISIT_SECONDS) as client,
            client.stream(
                where.method,
                address,
                headers=headers,
                extensions={"sni_hostname": host.partition(":")[0]},
                follow_redirects=False,
            ) as response,
        ):
            await got.read(response)
    except TimeoutError:
        got.cut(f"took more than {VISIT_SECONDS:g} s")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        got.cut(str(error) or type(error).__name__)
    return got.answer(time.monotonic() - began)


def door(configuration: Configuration, url: str) -> tuple[str, str]:
    """(the address at which the ingress of this installation answers for `url`, what visitors call its host)."""
    parts = urlsplit(url)
    rest = parts.path + (f"?{parts.query}" if parts.query else "")
    if configuration.galley_ingress_url and parts.scheme == "https":
        return configuration.galley_ingress_url.rstrip("/") + rest, parts.netloc
    ingress = urlsplit(configuration.galley_traefik_api_url or "").hostname
    if not ingress or parts.scheme == "https":  # somebody else's, before ours, has the certificate
        return url, parts.netloc
    shown = f"[{ingress}]" if ":" in ingress else ingress
    return f"http://{shown}:{parts.port or 80}{rest}", parts.netloc


class _Got:
    """An answer as far as it came."""

    def __init__(self) -> None:
        self._status: int | None = None
        self._headers: dict[str, str] = {}
        self._charset = "utf-8"
        self._body = bytearray()
        self._why = ""

    async def read(self, response: httpx.Response) -> None:
        """Up to MOST_BODY bytes, as they come: nothing is unpacked."""
        self._status = response.status_code
        self._headers = _headers(response)
        self._charset = response.charset_encoding or "utf-8"
        if encoding := response.headers.get("content-encoding", ""):
            self.cut(f"the body is packed ({encoding[:40]}), which nobody asked for")
            return
        async for chunk in response.aiter_raw():
            self._body += chunk
            if len(self._body) > MOST_BODY:
                del self._body[MOST_BODY:]
                self.cut(f"the body has more than {MOST_BODY:,} bytes")
                return

    def cut(self, why: str) -> None:
        """Nothing more comes."""
        self._why = why

    def answer(self, seconds: float) -> Visited:
        """For the agent."""
        try:
            text = self._body.decode(self._charset, errors="replace")
        except LookupError:
            text = self._body.decode(errors="replace")
        body, shortened = pack(text)
        why = self._why or ("the body does not fit into a message" if shortened else "")
        return Visited(
            status=self._status,
            headers=self._headers,
            seconds=round(seconds, 3),
            body=body if text else "",
            left_out=bool(why) and self._status is not None,
            why=why,
        )


def _headers(response: httpx.Response) -> dict[str, str]:
    found: dict[str, str] = {}
    left = MOST_HEADERS
    for name, value in response.headers.multi_items():
        left -= len(name) + len(value)
        if left < 0:
            break
        found[name] = f"{found[name]}\n{value}" if name in found else value
    return found
