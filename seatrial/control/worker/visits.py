"""Visits previews for policies, through the ingress, as a visitor would: see ADR 57. Agents ask, in their policies' name."""

import asyncio
import time
from urllib.parse import urlsplit

import httpx
import nats.errors
import structlog
from nats.aio.msg import Msg

from seatrial.control.bus import Bus
from seatrial.control.configuration import Configuration
from seatrial.control.outbound import async_client
from seatrial.control.triggers.visiting import Destination, NotVisited, destination
from seatrial.control.worker.database import Database
from seatrial.control.worker.observed import storable
from seatrial.control.worker.supervision import expected
from seatrial.wire import subjects
from seatrial.wire.envelope import Envelope
from seatrial.wire.errors import WireError
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

QUEUE = "visits"  # if there are several workers, one of them gets each question
AT_ONCE = 8
HEARD_OF_SECONDS = 5.0  # in which reports of agents come
AGAIN_SECONDS = 0.2
MOST_HEADERS = 50_000  # characters of all headers of an answer
AGENT = "Seatrial (live policies)"


class Visits:
    """Answers each question at most once, and not after ANSWER_SECONDS. Whether the agent may visit that preview is looked at before and
    after: what another version answered meanwhile is not told. An answer only goes to the asking agent's own inbox."""

    def __init__(self, database: Database, bus: Bus, configuration: Configuration) -> None:
        self._database = database
        self._bus = bus
        self._configuration = configuration
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Runs for ever."""
        subscription = await self._bus.client.subscribe(subjects.VISITS, queue=QUEUE)
        try:
            async with asyncio.TaskGroup() as group:
                async for message in subscription.messages:
                    group.create_task(self._one(message))
        finally:
            await subscription.unsubscribe()

    async def _one(self, message: Msg) -> None:
        agent = subjects.agent_of(message.subject)
        if not message.reply.startswith(f"{subjects.inbox_prefix(agent)}."):
            log.warning("visit asked for with another's reply subject; not answered", agent=agent)
            return
        try:
            question = _question(message.data)
        except WireError as error:
            log.warning("question skipped", subject=message.subject, error=str(error))
            return
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._slots:
                answer = await self._answer(agent, question)
                await self._bus.client.publish(message.reply, Envelope.wrap(answer).encode())
        except (TimeoutError, nats.errors.Error) as error:
            log.warning("no visit in time", agent=agent, run=question.run, error=type(error).__name__)

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


def _question(data: bytes) -> AskVisit:
    """The question in a message. Raises WireError."""
    envelope = Envelope.decode(data)
    message = envelope.model_copy(update={"payload": storable(envelope.payload)}).open()
    if not isinstance(message, AskVisit):
        raise WireError(f"message {envelope.id} is a {message.kind}, not a visit")
    return message
