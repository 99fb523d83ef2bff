"""A worker's knowledge of the routes, and the file, are right after any order of commits and with any number of workers."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection, transaction
from structlog.testing import capture_logs

from seatrial.control.previews import lifecycle, route_marks
from seatrial.control.previews.models import Environment, RouteMark
from seatrial.control.worker import route_book
from seatrial.control.worker.route_book import RouteBook
from seatrial.control.worker.routes_file import RoutesFile
from tests.previews.scenario import Scenario, web
from tests.waiting import LIMIT_SECONDS

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
A, B = (letter * 40 for letter in "ab")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "routes" / "routes.yml"


def book(path: Path) -> RouteBook:
    return RouteBook(RoutesFile(path))


def from_scratch(path: Path) -> str:
    fresh = book(path.parent.parent / "scratch" / "routes.yml")
    fresh.refresh()
    return (path.parent.parent / "scratch" / "routes.yml").read_text()


def move(scene: Scenario, endpoint: str) -> None:
    """The live containers are at another endpoint now."""
    with transaction.atomic():
        environment = lifecycle.locked(scene.environment.pk)
        assert environment is not None
        environment.services = [web(endpoint).model_dump(mode="json")]
        environment.save(update_fields=["services"])
        lifecycle.wake_routes(environment)


def test_every_change_reaches_the_file_and_waiting_candidates_are_known(path: Path) -> None:
    one = book(path)
    scene = Scenario.make()
    assert one.refresh() == []
    scene.push(A)
    assert one.refresh() == []
    scene.ready(scene.candidate(), web("http://10.0.0.1:80"))
    (waiting,) = one.refresh()
    assert waiting.deployment == scene.candidate().pk and one.written
    assert "http://10.0.0.1:80" in path.read_text()
    scene.switch()
    assert one.refresh() == [] and not one.written, "being live is not another route"
    move(scene, "http://10.0.0.2:80")
    one.refresh()
    assert path.read_text() == from_scratch(path) and "http://10.0.0.2:80" in path.read_text()
    scene.close(at=9)
    one.refresh()
    assert "http://10.0.0.2:80" not in path.read_text()


def test_nothing_is_read_of_environments_that_did_not_change(
    path: Path, django_assert_num_queries, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet, busy = Scenario.make("quiet"), Scenario.make("busy")
    quiet.live(A)
    busy.live(A)
    one = book(path)
    one.refresh()
    move(busy, "http://10.0.0.2:80")
    taken: list[str] = []
    take = one._document.take
    monkeypatch.setattr(one._document, "take", lambda row: (taken.append(row.name), take(row)))
    with django_assert_num_queries(2):
        one.refresh()
    assert taken == ["pr-1-busy"]


def test_a_transaction_that_began_first_and_commits_last_is_not_overlooked(path: Path) -> None:
    slow, fast = Scenario.make("slow"), Scenario.make("fast")
    slow.live(A)
    fast.live(A)
    one = book(path)
    one.refresh()
    marked, commit = threading.Event(), threading.Event()

    def slowly() -> None:
        try:
            with transaction.atomic():
                move(slow, "http://10.0.0.8:80")
                marked.set()
                assert commit.wait(LIMIT_SECONDS)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(slowly)
        assert marked.wait(LIMIT_SECONDS)
        move(fast, "http://10.0.0.9:80")
        one.refresh()
        assert "http://10.0.0.9:80" in path.read_text() and "http://10.0.0.8:80" not in path.read_text()
        commit.set()
        done.result(LIMIT_SECONDS)
    one.refresh()
    assert "http://10.0.0.8:80" in path.read_text()


def test_a_worker_that_looked_earlier_never_writes_later(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scenario.make()
    scene.live(A)
    early, late = book(path), book(path)
    early.refresh()
    move(scene, "http://10.0.0.2:80")
    looked, go_on = threading.Event(), threading.Event()
    write = RoutesFile.write

    def slow(file: RoutesFile, text: str) -> bool:
        looked.set()
        assert go_on.wait(LIMIT_SECONDS)
        return write(file, text)

    def refresh(which: RouteBook) -> None:
        try:
            which.refresh()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        monkeypatch.setattr(early._file, "write", lambda text: slow(early._file, text))
        first = pool.submit(refresh, early)
        assert looked.wait(LIMIT_SECONDS)
        with (
            connection.cursor() as cursor
        ):  # its connection is cut: it has seen what it has seen, and goes on
            cursor.execute(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
        move(scene, "http://10.0.0.3:80")
        second = pool.submit(refresh, late)
        go_on.set()
        first.result(LIMIT_SECONDS)
        second.result(LIMIT_SECONDS)
    assert path.read_text() == from_scratch(path) and "http://10.0.0.3:80" in path.read_text()


def test_two_workers_at_once_end_with_the_newest(path: Path) -> None:
    scene = Scenario.make()
    scene.live(A)
    seen: list[str] = []
    stop = threading.Event()

    def work() -> None:
        one = book(path)
        try:
            while not stop.is_set():
                one.refresh()
                with one._file.alone():
                    seen.append(path.read_text().split("http://10.0.")[1].split(":")[0])
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        workers = [pool.submit(work) for _ in range(2)]
        for number in range(40):
            move(scene, f"http://10.0.1.{number}:80")
        stop.set()
        for worker in workers:
            worker.result(LIMIT_SECONDS)
    order = [int(address.split(".")[1]) for address in seen if address.startswith("1.")]
    assert order == sorted(order), "the file never went back"
    book(path).refresh()
    assert "http://10.0.1.39:80" in path.read_text()


def test_a_change_that_nobody_marked_is_found_by_comparing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scenario.make()
    scene.live(A)
    one = book(path)
    one.refresh()
    Environment.objects.update(services=[web("http://10.0.0.7:80").model_dump(mode="json")])
    one.refresh()
    assert "http://10.0.0.7:80" not in path.read_text()
    monkeypatch.setattr(route_book, "COMPARE_SECONDS", -1)
    with capture_logs() as lines:
        one.refresh()
        one.refresh()
    assert "http://10.0.0.7:80" in path.read_text()
    assert [line["environments"] for line in lines] == [[scene.environment.pk]]


def test_marks_of_another_database_mislead_nobody(path: Path) -> None:
    scene = Scenario.make()
    scene.live(A)
    one = book(path)
    one.refresh()
    seen = one._seen
    RouteMark.objects.update(transaction=seen + 1_000_000_000)  # restored from a dump of it
    assert route_marks.changed(seen).environments == []
    one._seen = seen + 1_000_000_000  # restored under a worker that knew the other
    Environment.objects.update(services=[web("http://10.0.0.7:80").model_dump(mode="json")])
    one.refresh()
    assert "http://10.0.0.7:80" in path.read_text() and one._seen < seen + 1_000_000


def test_a_file_that_cannot_be_written_is_a_problem_until_it_can(tmp_path: Path) -> None:
    scene = Scenario.make()
    scene.push(A)
    scene.ready(scene.candidate())
    (tmp_path / "routes").write_text("a file where the folder should be")
    one = book(tmp_path / "routes" / "routes.yml")
    with capture_logs() as lines:
        assert len(one.refresh()) == len(one.refresh()) == 1, "who waits is known all the same"
    assert len(lines) == 1 and "cannot be written" in one.problem
    (tmp_path / "routes").unlink()
    one.refresh()
    assert not one.problem and one.written
