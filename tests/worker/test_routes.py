"""Candidates and Traefik: live when it shows them, failed with its reason when it never does."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings

from seatrial.control.audit.actors import Actor
from seatrial.control.previews import lifecycle, routes, services
from seatrial.control.previews.models import Deployment
from seatrial.control.worker import route_waits
from seatrial.control.worker.database import Database
from seatrial.control.worker.routes import Routes
from seatrial.control.worker.wakeups import Wakeups
from seatrial.wire.ending import ended
from tests.bus.servers import free_port
from tests.previews.scenario import Scenario, web
from tests.worker import stack
from tests.worker.traefik_api import Api

postgres = pytest.mark.postgres
database_and = [pytest.mark.django_db(transaction=True), postgres]
A, B = (letter * 40 for letter in "ab")


class CountingDatabase(Database):
    """How often anything was asked of it."""

    calls = 0

    async def run(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        return await super().run(function, *args, **kwargs)


@pytest.fixture
async def database() -> AsyncIterator[CountingDatabase]:
    database = CountingDatabase(2)
    yield database
    database.close()


async def until(look: Callable[[], Any], what: str = "it") -> None:
    deadline = time.monotonic() + 60
    while not await sync_to_async(look)():
        assert time.monotonic() < deadline, f"waited a minute: {what}"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def working(database: Database, file: Path, url: str) -> AsyncIterator[Wakeups]:
    """The worker's routes task, and the wake-ups it waits for."""
    configuration = settings.CONFIGURATION.model_copy(
        update={"galley_routes_file": file, "galley_traefik_api_url": url}
    )
    wakeups = Wakeups([lifecycle.ROUTES_CHANNEL])
    tasks = [
        asyncio.create_task(Routes(database, configuration, wakeups).run()),
        asyncio.create_task(wakeups.listen()),
    ]
    try:
        yield wakeups
    finally:
        await ended(*tasks, again_seconds=5)


def waiting(endpoint: str = "http://10.0.0.1:80", name: str = "shop") -> tuple[Scenario, Deployment]:
    scene = Scenario.make(name)
    scene.push(A)
    scene.ready(scene.candidate(), web(endpoint))
    return scene, scene.candidate()


def state(deployment: Deployment) -> str:
    return Deployment.objects.get(pk=deployment.pk).state


class TestWithTheDatabase:
    pytestmark = database_and

    async def test_a_waiting_candidate_is_looked_for_without_asking_the_database(
        self, api: Api, database: CountingDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("seatrial.control.worker.routes.SWEEP_SECONDS", 3600)
        monkeypatch.setattr(route_waits, "EXPLAINED_SECONDS", 3600)
        scene, deployment = await sync_to_async(waiting)()
        async with working(database, tmp_path / "routes.yml", api.url):
            await until(lambda: len(api.asked) > 5)
            calls, asked = database.calls, len(api.asked)
            await until(lambda: len(api.asked) > asked + 20)
            assert database.calls == calls
            candidate = await sync_to_async(lambda: routes.candidate(scene.environment))()
            assert candidate is not None
            api.show(candidate)
            await until(lambda: state(deployment) == "live")

    async def test_a_candidate_that_is_never_shown_fails_and_a_rebuild_tries_again(
        self, api: Api, database: CountingDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(route_waits, "ANSWERED_SECONDS", 0.3)
        scene, deployment = await sync_to_async(waiting)()
        async with working(database, tmp_path / "routes.yml", api.url):
            await until(lambda: state(deployment) == "failed")
            await sync_to_async(deployment.refresh_from_db)()
            assert deployment.reason == "route_not_applied"
            assert "Traefik does not show service pr-1-shop" in deployment.message
            assert "then rebuild" in deployment.message
            monkeypatch.setattr(route_waits, "ANSWERED_SECONDS", 60)
            again = await sync_to_async(
                lambda: services.rebuild(scene.environment, by=Actor.person("alice"))
            )()
            await sync_to_async(scene.ready)(again)
            candidate = await sync_to_async(lambda: routes.candidate(scene.environment))()
            assert candidate is not None
            api.show(candidate)
            await until(lambda: state(again) == "live")

    async def test_a_traefik_that_does_not_answer_is_named_while_a_candidate_waits_and_when_it_fails(
        self, database: CountingDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(route_waits, "EXPLAINED_SECONDS", 0.05)
        monkeypatch.setattr(route_waits, "ANSWERED_SECONDS", 0.01)
        _, deployment = await sync_to_async(waiting)()
        url = f"http://127.0.0.1:{free_port()}"

        def says() -> str:
            deployment.refresh_from_db()
            return deployment.shown_message

        async with working(database, tmp_path / "routes.yml", url):
            await until(lambda: "Waits for its route" in says())
            assert f"at {url} does not answer" in deployment.waits_for and deployment.state == "starting"
            monkeypatch.setattr(route_waits, "AWAY_SECONDS", 0.3)
            await until(lambda: says() and deployment.state == "failed")
        assert deployment.reason == "route_not_applied"
        assert "does not answer" in deployment.message and "Start Traefik" in deployment.message

    async def test_what_it_waited_for_is_forgotten_once_it_is_live(
        self, api: Api, database: CountingDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(route_waits, "EXPLAINED_SECONDS", 0.05)
        scene, deployment = await sync_to_async(waiting)()
        async with working(database, tmp_path / "routes.yml", api.url):
            await until(lambda: Deployment.objects.exclude(waits_for="").exists())
            candidate = await sync_to_async(lambda: routes.candidate(scene.environment))()
            assert candidate is not None
            api.show(candidate)
            await until(lambda: state(deployment) == "live")
        assert await sync_to_async(lambda: Deployment.objects.get(pk=deployment.pk).shown_message)() == ""

    async def test_a_routes_file_that_cannot_be_written_fails_the_candidates_that_wait(
        self, api: Api, database: CountingDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(route_waits, "ANSWERED_SECONDS", 0.3)
        _, deployment = await sync_to_async(waiting)()
        (tmp_path / "routes").write_text("not a folder")
        async with working(database, tmp_path / "routes" / "routes.yml", api.url):
            await until(lambda: state(deployment) == "failed")
        message = await sync_to_async(lambda: Deployment.objects.get(pk=deployment.pk).message)()
        assert "routes.yml cannot be written" in message

    @pytest.mark.traefik
    async def test_a_route_that_traefik_refuses_fails_with_traefiks_own_words_and_stops_no_other(
        self, database: CountingDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(route_waits, "EXPLAINED_SECONDS", 0)
        _, bad = await sync_to_async(waiting)("http://[:::]:80", "bad")
        traefik = stack.Traefik(tmp_path)
        traefik.start()

        def says() -> str:
            bad.refresh_from_db()
            return bad.shown_message

        try:
            async with working(database, traefik.routes, f"http://127.0.0.1:{traefik.api}"):
                _, good = await sync_to_async(waiting)("http://10.0.0.1:80", "good")
                await until(lambda: state(good) == "live")
                await until(lambda: "Traefik refuses" in says())
                monkeypatch.setattr(route_waits, "ANSWERED_SECONDS", 0)
                await until(lambda: says() and bad.state == "failed")
        finally:
            traefik.kill()
        assert "Traefik refuses" in bad.message and "[:::]" in bad.message
