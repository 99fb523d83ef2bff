"""A minimal agent: it registers, follows its bucket, and reports that everything works."""

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx
import nats
from nats.aio.client import Client
from nats.js.kv import KeyValue

from seatrial.control.fleet import nats_jwt
from seatrial.dialling import servers
from seatrial.replay import entries
from seatrial.wire import subjects
from seatrial.wire.agents import AgentRegistered, Heartbeat
from seatrial.wire.deployments import (
    DeploymentFailed,
    DeploymentPhase,
    DeploymentReady,
    DesiredDeployment,
    DesiredEnvironment,
    EnvironmentRemoved,
    ObservedService,
    RecipeRead,
)
from seatrial.wire.ending import ended
from seatrial.wire.envelope import Envelope, Message, now
from seatrial.wire.evaluations import EvaluationFinished, EvaluationStarted, PolicyResult, RunEvaluation
from seatrial.wire.states import Isolation, ResultState, ServiceKind
from seatrial.wire.words import Reason
from tests.waiting import LIMIT_SECONDS

Endpoint = Callable[[DesiredDeployment], str]

LAST = "last"


class ScriptedAgent:
    def __init__(self, url: str, nats_url: str, token: str, directory: Path, endpoint: Endpoint) -> None:
        self.url, self.nats_url, self.token, self.endpoint = url, nats_url, token, endpoint
        self.context: ssl.SSLContext | None = None
        self.credentials = directory / f"{token[-8:]}.creds"
        self.desired: dict[str, DesiredEnvironment] = {}
        self.read: dict[str, tuple[int, DesiredEnvironment]] = {}  # with the revision of the entry
        self.seen: list[str] = []  # "<environment> put|gone"
        self.history: list[tuple[str, str]] = []  # commits of (live, candidate); ("gone", "gone") at the end
        self.extra: list[ObservedService] = []  # services beside web
        self.removed: set[str] = set()
        self.mute = False  # takes everything, says nothing
        self.runtime = "docker"  # `process`: refuses everything, for lack of an engine
        self.asks = 0  # megabytes that each deployment asks for; 0: says nothing of it and starts at once, as old ones do
        self.client = Client()
        self.tasks: list[asyncio.Task[None]] = []

    def register(self) -> None:
        seed = nats_jwt.new_seed(nats_jwt.USER)
        body = {"token": self.token, "public_key": nats_jwt.public_key(seed), "seal_key": "A" * 43 + "="}
        answer = httpx.post(
            f"{self.url}/api/v1/agents/register",
            json=body,
            timeout=LIMIT_SECONDS,
            trust_env=False,
            verify=False,
        )
        assert answer.status_code == 200, answer.text
        self.registered = AgentRegistered.model_validate_json(answer.content)
        self.id = self.registered.agent
        self.credentials.write_text(nats_jwt.credentials(self.registered.user_jwt, seed))

    async def start(self) -> None:
        self.tasks = []
        await self._connect()
        for work in (self._beat, self._watch, self._evaluate):
            self.tasks.append(asyncio.create_task(work()))

    async def stop(self) -> None:
        await ended(*self.tasks, again_seconds=1)  # the client may lose a cancellation
        await self.client.close()

    async def fall_silent(self) -> None:
        """Stop, with a last heartbeat that has LAST as its release: once that is heard, no other one is on its way."""
        await ended(*self.tasks, again_seconds=1)
        await self._heartbeat(LAST)
        await self.client.flush()
        await self.client.close()

    async def _connect(self) -> None:
        async def ignore(_: Exception) -> None:
            pass

        self.client = await nats.connect(
            servers(self.nats_url),
            tls=self.context,
            user_credentials=str(self.credentials),
            inbox_prefix=subjects.inbox_prefix(self.id),
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.1,
            error_cb=ignore,
        )

    async def _beat(self) -> None:
        while True:
            with contextlib.suppress(Exception):
                await self._heartbeat("test")
            await asyncio.sleep(0.5)

    async def _heartbeat(self, release: str) -> None:
        beat = Heartbeat(release=release, runtime=self.runtime, sandbox=Isolation.GVISOR)
        await self.client.publish(subjects.heartbeat(self.id), Envelope.wrap(beat).encode())

    async def _watch(self) -> None:
        """Looks again ten times a second: slower than a watch, and deaf to nothing. Where nothing has changed, that is one question."""
        looked: object = None
        while True:
            with contextlib.suppress(Exception):
                if (there := await self._there()) != looked:
                    looked = None
                    await self._look()
                    looked = (*there[:-1], self._known())
            await asyncio.sleep(0.1)

    async def _there(self) -> tuple[object, ...]:
        """Differs whenever a look would find something else, or something to do."""
        info = await self.client.jetstream().stream_info(f"KV_{subjects.desired_bucket(self.id)}")
        state = info.state
        return info.created, state.first_seq, state.last_seq, state.messages, self._known()

    def _known(self) -> tuple[frozenset[str], frozenset[str]]:
        return frozenset(self.desired), frozenset(self.removed)

    async def _look(self) -> None:
        listed: dict[str, DesiredEnvironment] = {}
        deleted: set[str] = set()
        async with contextlib.aclosing(entries(self.client.jetstream(), self.id)) as there:
            async for entry in there:
                if entry is None:
                    break
                if entry.operation is None:
                    listed[entry.key] = self._read(entry)
                else:
                    deleted.add(entry.key)
        for key in deleted - self.desired.keys() - self.removed:  # put and deleted between two looks
            self.removed.add(key)
            await self.say(EnvironmentRemoved(environment=key))
        self.removed -= listed.keys()
        for key in self.desired.keys() - listed.keys():
            self.removed.add(key)
            self.seen.append(f"{key} gone")
            self.history.append(("gone", "gone"))
            await self.say(EnvironmentRemoved(environment=key))
            del self.desired[key]
        for key, message in listed.items():
            before = self.desired.get(key)
            if before is None or message.revision > before.revision:
                self.seen.append(f"{key} put")
                self.history.append((_commit(message.live), _commit(message.candidate)))
                self.desired[key] = message
                if message.candidate:
                    await self._take(message, message.candidate, before.candidate if before else None)

    def _read(self, entry: KeyValue.Entry) -> DesiredEnvironment:
        """Decoded once, however often it is looked at."""
        known = self.read.get(entry.key)
        if known is None or known[0] != entry.revision:
            message = Envelope.decode(entry.value or b"").open()
            assert isinstance(message, DesiredEnvironment)
            known = self.read[entry.key] = (entry.revision or 0, message)
        return known[1]

    async def _take(
        self, desired: DesiredEnvironment, candidate: DesiredDeployment, known: DesiredDeployment | None
    ) -> None:
        new = known is None or known.id != candidate.id
        if new and self.asks:
            await self.say(
                RecipeRead(
                    environment=desired.environment, deployment=candidate.id, cpus=1, memory_mb=self.asks
                )
            )
        let_in = not new and known is not None and known.held and not candidate.held
        if (new and not (self.asks and candidate.held)) or (self.asks and let_in):
            await self._deploy(desired, candidate)

    async def _deploy(self, desired: DesiredEnvironment, candidate: DesiredDeployment) -> None:
        if self.runtime == "process":
            refused = DeploymentFailed(
                environment=desired.environment,
                deployment=candidate.id,
                reason=Reason.NEEDS_ENGINE,
                message="redis:7: it needs a container engine",
            )
            await self.say(refused)
            return
        for phase in ("checkout", "build web", "start", "health"):
            await self.say(
                DeploymentPhase(
                    environment=desired.environment,
                    deployment=candidate.id,
                    phase=phase,
                    started_at=now(),
                    seconds=0.1,
                )
            )
        service = ObservedService(
            name="web", kind=ServiceKind.WEB, state="running", endpoint=self.endpoint(candidate)
        )
        await self.say(
            DeploymentReady(
                environment=desired.environment,
                deployment=candidate.id,
                services=[service, *self.extra],
                isolation=Isolation.CONTAINER,
            )
        )

    async def deploy_again(self, environment: str) -> None:
        """Tell of its candidate what was not told while it was mute."""
        desired = self.desired[environment]
        assert desired.candidate is not None
        await self._deploy(desired, desired.candidate)

    async def _evaluate(self) -> None:
        """One subscription for good: a job that comes when a fetch has just ended is there for the next one."""
        pull = await self.client.jetstream().pull_subscribe_bind(
            subjects.EVALUATIONS_CONSUMER, stream=subjects.JOBS_STREAM
        )
        while True:
            with contextlib.suppress(Exception):
                for message in await pull.fetch(1, timeout=2):
                    job = Envelope.decode(message.data).open()
                    assert isinstance(job, RunEvaluation)
                    await self._judge(job)
                    await message.ack()
            await asyncio.sleep(0.05)

    async def _judge(self, job: RunEvaluation) -> None:
        await self.say(EvaluationStarted(evaluation=job.evaluation))
        results = [
            PolicyResult(version_id=p.version_id, slug=p.slug, state=ResultState.PASSED, score=100)
            for p in job.policies
        ]
        await self.say(
            EvaluationFinished(
                evaluation=job.evaluation,
                state="passed",
                isolation=Isolation.GVISOR,
                results=results,
                seconds=0.1,
            )
        )

    async def say(self, message: Message) -> None:
        if self.mute:
            return
        envelope = Envelope.wrap(message)
        subject = subjects.observed(self.id, message.kind)
        while True:  # as the real one: until the bus has it
            try:
                await self.client.jetstream().publish(
                    subject, envelope.encode(), timeout=2, headers={"Nats-Msg-Id": envelope.id}
                )
            except Exception:
                await asyncio.sleep(0.1)
            else:
                return


def _commit(deployment: DesiredDeployment | None) -> str:
    return deployment.commit if deployment is not None else ""
