"""A code host whose pull requests change faster than its webhooks arrive: some twice, some late, some never."""

import itertools
import json
import os
import random
import signal
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil
from django.db import InterfaceError, OperationalError, connection

from tests.forges.hosts.github import GitHubSite
from tests.forges.hosts.site import Hosted, Pull, Webhook
from tests.waiting import LIMIT_SECONDS
from tests.worker.stack import Stack, eventually

BOT = "seatrial-bot"
SENDERS = 8
# What happens to a pull request, and how often.
HAPPENINGS = {"synchronize": 8, "edited": 3, "closed": 3, "reopened": 2}


@dataclass(frozen=True)
class Sent:
    """A webhook as it goes over the wire, however often it does."""

    guid: str
    url: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Storm:
    """Changes pull requests and delivers what happened. Everything that is left to chance is left to `chance`."""

    site: GitHubSite
    webhook: Webhook
    chance: random.Random
    repositories: list[Hosted]
    most_open: int
    known: list[Sent] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)  # by status; 0: nobody answered
    accepted: set[str] = field(default_factory=set)
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.senders = ThreadPoolExecutor(SENDERS, thread_name_prefix="webhook")
        self.client = httpx.Client(timeout=LIMIT_SECONDS, trust_env=False)

    def close(self) -> None:
        self.senders.shutdown()
        self.client.close()

    def pulls(self) -> list[tuple[Hosted, Pull]]:
        return [(hosted, pull) for hosted in self.repositories for pull in hosted.pulls.values()]

    def change(self) -> Sent:
        """Change something at the code host, and return the webhook that tells of it."""
        pulls = self.pulls()
        opened = sum(pull.state == "open" for _, pull in pulls)
        if not pulls or (opened < self.most_open and self.chance.random() < 0.3):
            hosted = self.chance.choice(self.repositories)
            pull = self._opened(hosted)
            return self._told(hosted, pull, "opened")
        hosted, pull = self.chance.choice(pulls)
        [action] = self.chance.choices(list(HAPPENINGS), weights=list(HAPPENINGS.values()))
        if (action == "reopened") == (pull.state == "open"):
            action = "edited"
        pull.updated_at = _second()
        if action == "synchronize":
            pull.head = self._sha()
        elif action == "edited":
            pull.title = f"Title {next(self.ids)}"
        else:
            pull.state = "closed" if action == "closed" else "open"
        return self._told(hosted, pull, action)

    def deliver(self, count: int) -> list[Future[None]]:
        """Deliver `count` webhooks in any order: about 70 % new ones, the rest repeats of whatever was sent before."""
        new = [self.change() for _ in range(max(1, round(count * 0.7)))]
        self.known += new
        batch = new + self.chance.choices(self.known, k=count - len(new))
        self.chance.shuffle(batch)
        return [self.senders.submit(self._send, one) for one in batch]

    def _opened(self, hosted: Hosted) -> Pull:
        number = next(hosted.numbers)
        pull = Pull(number, f"branch-{number}", self._sha(), "b" * 40, f"Change {number}", BOT)
        pull.updated_at = _second()
        hosted.pulls[number] = pull
        return pull

    def _told(self, hosted: Hosted, pull: Pull, action: str) -> Sent:
        payload = self.site.pull_payload(hosted, pull, action)
        body = json.dumps(payload).encode()
        guid = str(uuid.UUID(int=self.chance.getrandbits(128)))
        headers = self.site.webhook_headers(self.webhook, "pull_request", body, guid)
        return Sent(guid, self.webhook.url, headers, body)

    def _send(self, one: Sent) -> None:
        try:
            status = self.client.post(one.url, content=one.body, headers=one.headers).status_code
        except httpx.HTTPError:
            status = 0
        self.answers[status] += 1
        if status in {200, 202}:
            self.accepted.add(one.guid)

    def _sha(self) -> str:
        return f"{self.chance.getrandbits(160):040x}"


def _second() -> datetime:
    """Forges count whole seconds: now and then two things happen in one."""
    return datetime.now(UTC).replace(microsecond=0)


def kill_database() -> None:
    """Kill one of the server's processes: it drops every connection, recovers from its log, and goes on."""
    data = Path(str(connection.settings_dict["HOST"]))
    postmaster = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
    backends = [one for one in postmaster.children() if " idle" in " ".join(one.cmdline())]
    os.kill((backends or postmaster.children())[0].pid, signal.SIGKILL)
    connection.close()
    eventually(answers, what="the database is back", not_yet=(OperationalError, InterfaceError))


def answers() -> bool:
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return True


def can_kill_database() -> bool:
    """Whether the server is ours."""
    return Path(str(connection.settings_dict["HOST"]), "postmaster.pid").exists()


def kill(stack: Stack, victim: str) -> None:
    if victim == "bus":
        stack.nats.kill()
    elif victim == "database":
        kill_database()
    else:
        stack.kill(victim)


def start(stack: Stack, victim: str) -> None:
    if victim == "bus":
        stack.nats.start()
    elif victim == "web":
        stack.start_web(seconds=600)  # the machine is as busy as we can make it
    elif victim == "worker":
        stack.start_worker()
