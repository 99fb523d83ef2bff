"""The demo's code host: a Forgejo that this machine plays, in a process of its own, until `make stop-compose`.

It opens its pull request as soon as somebody wants to be told of it. What it knows is in a file, so that one that was killed,
or a machine that was switched off, goes on where it was.
"""

import dataclasses
import json
import logging
import os
import pickle
import signal
import ssl
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

import psutil
from pydantic import BaseModel, ValidationError

from scripts.composed import certificates
from scripts.composed.place import ROOT, Place
from seatrial import files
from seatrial.cli.errors import CommandError
from seatrial.cli.sample import BRANCH, make_repository
from tests.forges.hosts.gitea import ForgejoSite

SHOP, BOT, AUTHOR = "harbour/shop", "seatrial-bot", "alice"
STARTED_SECONDS = 60.0
LOOK_SECONDS = 0.3


class Known(BaseModel):
    """What others need to know of the running process."""

    pid: int
    began: float  # when, by the system's clock: another process may have the number by now
    host: str
    url: str
    token: str

    def process(self) -> psutil.Process | None:
        """It, if it lives."""
        with suppress(psutil.Error):
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.began) < 1:
                return process
        return None

    @property
    def pull_page(self) -> str:
        return f"{self.url}/{SHOP}/pulls/1"


def known(place: Place) -> Known | None:
    """The one that runs, or ran last."""
    try:
        return Known.model_validate_json((place.forge / "forge.json").read_text())
    except (OSError, ValidationError):
        return None


def ensure(place: Place, host: str) -> Known:
    """Have one at this address. Raises CommandError."""
    running = known(place)
    if running and running.process() and running.host == host:
        return running
    end(place)
    place.forge.mkdir(mode=0o700, exist_ok=True)
    log = place.forge / "forge.log"
    with log.open("ab") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "scripts.composed", "forge", host],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,  # Ctrl-C is for the demo
        )
    until = time.monotonic() + STARTED_SECONDS
    while time.monotonic() < until and process.poll() is None:
        running = known(place)
        if running and running.pid == process.pid:
            return running
        time.sleep(LOOK_SECONDS)
    raise CommandError("the demo's code host did not start.", fix=f"Its log: {log}")


def end(place: Place) -> None:
    """End it, if it runs."""
    running = known(place)
    process = running.process() if running else None
    if process is not None:
        with suppress(psutil.Error):
            process.terminate()
            process.wait(10)


def serve(place: Place, host: str) -> None:
    """Be it, until SIGTERM."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    signal.signal(signal.SIGTERM, _leave)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.for_host(place, host))
    site = remembered(place.forge)
    before = known(place)
    port = int(before.url.rpartition(":")[2]) if before else 0
    try:
        serving = site.serving(context=context, host=host, port=port)
        serving.__enter__()
    except OSError:  # somebody else has the port by now
        serving = site.serving(context=context, host=host)
        serving.__enter__()
    try:
        _tell(place, site, host)
        while True:
            if site.repositories[SHOP].webhooks and not site.repositories[SHOP].pulls:
                site.open_pull(SHOP, BRANCH, author=AUTHOR, title="Start the summer sale")
            remember(place.forge, site)
            time.sleep(LOOK_SECONDS)
    finally:
        serving.__exit__(None, None, None)


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _tell(place: Place, site: ForgejoSite, host: str) -> None:
    own = psutil.Process()
    told = Known(
        pid=os.getpid(), began=own.create_time(), host=host, url=site.url, token=site.people[BOT].token
    )
    files.replace(place.forge / "forge.json", json.dumps(told.model_dump()), mode=0o600)


def remembered(folder: Path) -> ForgejoSite:
    """As it was left, or new: two people, and the sample application."""
    site = ForgejoSite(folder / "repositories")
    source = make_repository(folder / "shop")
    try:
        people, repositories = pickle.loads((folder / "state").read_bytes())
    except OSError:
        for login in (BOT, AUTHOR):
            site.person(login)
        if (site.root / f"{SHOP}.git").exists():  # of one that was killed before it had kept anything
            subprocess.run(["rm", "-rf", str(site.root / f"{SHOP}.git")], check=True)
        site.repository(SHOP, source, admin=BOT)
    else:
        site.people = people
        site.repositories = {
            name: dataclasses.replace(one, numbers=iter(range(len(one.pulls) + 1, 1_000_000)))
            for name, one in repositories.items()
        }
        for _ in range(1_000):  # beyond all ids that were given
            next(site.ids)
    return site


def remember(folder: Path, site: ForgejoSite) -> None:
    """Keep what it knows, if that is not what was kept last."""
    repositories = {
        name: dataclasses.replace(one, numbers=iter(())) for name, one in site.repositories.items()
    }
    content = pickle.dumps((site.people, repositories))
    kept = folder / "state"
    if not kept.exists() or kept.read_bytes() != content:
        making = folder / "state.making"
        making.write_bytes(content)
        making.replace(kept)
