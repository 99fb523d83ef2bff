"""The gatekeeper in its place: the real Traefik asks about each request, and what it refuses never reaches the preview."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, expect

from seatrial.control.entrance import bypass, guests
from seatrial.control.previews.models import Environment
from seatrial.control.previews.route_document import Document
from seatrial.control.previews.sleeping.visits import Visits
from seatrial.control.projects.callbacks import label as callback_label
from seatrial.control.projects.callbacks import url
from seatrial.control.projects.changing import change_project
from tests.entrance.visits import ALICE, DOMAIN, asleep, basic, colleague, comes_up, login, members, preview
from tests.worker.stack import PLAIN, Traefik, eventually

if TYPE_CHECKING:
    from tests.previews.scenario import Scenario

pytestmark = pytest.mark.traefik


class Application(ThreadingHTTPServer):
    """What a preview runs: it answers with what it was sent, and keeps it."""

    def __init__(self) -> None:
        self.heard: list[dict[str, str]] = []
        super().__init__(("127.0.0.1", 0), _Answer)


class _Answer(BaseHTTPRequestHandler):
    server: Application

    def do_GET(self) -> None:
        heard = {"path": self.path, **{name.lower(): value for name, value in self.headers.items()}}
        self.server.heard.append(heard)
        body = json.dumps(heard).encode()
        self.send_response(502 if self.path == "/broken" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def application() -> Iterator[Application]:
    application = Application()
    thread = threading.Thread(target=application.serve_forever, daemon=True)
    thread.start()
    yield application
    application.shutdown()
    application.server_close()
    thread.join()


@pytest.fixture
def traefik(tmp_path: Path, served: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Traefik]:
    """An ingress that asks the served application."""
    traefik = Traefik(tmp_path)
    news = {"galley_internal_url": served, "galley_preview_port": traefik.web}
    monkeypatch.setattr(settings, "CONFIGURATION", settings.CONFIGURATION.model_copy(update=news))
    monkeypatch.setattr(settings, "SITE_URL", served)
    traefik.routes.write_text(Document().text())
    traefik.start()
    try:
        eventually(lambda: listens(traefik.web), not_yet=(OSError,), what="Traefik listens")
        yield traefik
    finally:
        traefik.kill()


def listens(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port)):
        return True


def routed(traefik: Traefik, scenario: "Scenario") -> None:
    """Have Traefik route to the preview, as the worker does."""
    document = Document()
    document.take(scenario.environment)
    traefik.routes.write_text(document.text())
    api = f"http://127.0.0.1:{traefik.api}/api/http/routers/pr-1-shop@file"

    def asks() -> bool:
        return "preview-gate@file" in httpx.get(api, **PLAIN).json().get("middlewares", [])

    eventually(asks, not_yet=(httpx.TransportError, ValueError))


def ask(traefik: Traefik, path: str = "/", host: str = "pr-1-shop", **headers: str) -> httpx.Response:
    sent = {"Host": f"{host}.{DOMAIN}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return httpx.get(f"http://127.0.0.1:{traefik.web}{path}", headers=sent, timeout=30, **PLAIN)


def followed(traefik: Traefik, url: str) -> dict[str, str]:
    """Follow a browser through the hosts of a preview; the cookie that each gave it. No resolver knows these hosts."""
    cookies: dict[str, str] = {}
    for _ in range(5):
        where = urlsplit(url)
        label = (where.hostname or "").removesuffix(f".{DOMAIN}")
        answer = ask(traefik, f"{where.path}?{where.query}", label, Cookie=cookies.get(label, "theirs=1"))
        if answer.status_code == 200:
            return cookies
        if "Set-Cookie" in answer.headers:
            cookies[label] = answer.headers["Set-Cookie"].partition(";")[0]
        url = answer.headers["Location"]
    raise AssertionError("it never arrives")


def test_only_who_gets_in_reaches_the_application_and_it_sees_no_key(
    traefik: Traefik, application: Application
) -> None:
    scenario = basic(port=application.server_port)
    token = bypass.rotate(scenario.project, by=ALICE)
    _, link = guests.invite(scenario.environment, hours=1, by=ALICE)
    routed(traefik, scenario)
    for label in ("pr-1-shop", "api-pr-1-shop"):
        refused = ask(traefik, "/secret", label)
        assert refused.status_code == 401 and refused.headers["WWW-Authenticate"].startswith("Basic realm=")
        upgrade = ask(traefik, "/secret", label, Connection="Upgrade", Upgrade="websocket")
        assert upgrade.status_code == 401
        forged = ask(
            traefik, "/secret", label, X_Forwarded_Uri="/.well-known/galley-pass", X_Forwarded_Host="x"
        )
        assert forged.status_code == 401
    assert ask(traefik, "/broken").status_code == 401, "not even the page in place of an error"
    assert application.heard == []

    assert ask(traefik, "/cart", Authorization=login(), Cookie="theirs=1").status_code == 200
    assert ask(traefik, "/cart", "api-pr-1-shop", X_Galley_Bypass=token).status_code == 200
    secret = link.partition("?")[2]
    cookies = followed(traefik, link)
    for label in ("pr-1-shop", "api-pr-1-shop"):
        assert ask(traefik, "/", label, Cookie=cookies[label]).status_code == 200
    broken = ask(traefik, "/broken", Authorization=login())
    assert broken.status_code == 502 and "This preview is protected" in broken.text
    assert len(application.heard) >= 5
    for heard in application.heard:
        assert not {"authorization", "x-galley-bypass"} & set(heard)
        assert (
            heard.get("cookie", "theirs=1") == "theirs=1"
            and token not in str(heard)
            and secret not in str(heard)
        )


def test_a_member_signs_in_once_and_a_browser_opens_every_host(
    traefik: Traefik, application: Application, browser: Browser, served: str
) -> None:
    scenario = members(port=application.server_port)
    routed(traefik, scenario)
    client = Client()
    client.force_login(colleague(scenario))
    cookie = client.cookies["sessionid"]
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(f"http://pr-1-shop.{DOMAIN}:{traefik.web}/cart?x=1")
        assert page.url.startswith(f"{served}/accounts/login/")
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": served}])
        page.goto(f"http://pr-1-shop.{DOMAIN}:{traefik.web}/cart?x=1")
        assert page.url == f"http://pr-1-shop.{DOMAIN}:{traefik.web}/cart?x=1"
        assert '"path": "/cart?x=1"' in page.content()
        context.clear_cookies(domain="localhost")
        page.goto(f"http://api-pr-1-shop.{DOMAIN}:{traefik.web}/orders")
        assert '"path": "/orders"' in page.content(), "its pass came along the first time"
        assert page.evaluate("document.cookie") == "", "no script reads it"
    finally:
        context.close()
    assert all("cookie" not in heard for heard in application.heard)


def test_nobody_gets_in_while_nobody_can_be_asked(
    traefik: Traefik, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = members(port=application.server_port)
    away = settings.CONFIGURATION.model_copy(update={"galley_internal_url": "http://127.0.0.1:9"})
    monkeypatch.setattr(settings, "CONFIGURATION", away)
    token = bypass.rotate(scenario.project, by=ALICE)
    routed(traefik, scenario)
    assert ask(traefik, X_Galley_Bypass=token).status_code == 500
    assert application.heard == []


def soon(do: Callable[[], None]) -> threading.Thread:
    """In a second, as an agent would."""

    def work() -> None:
        time.sleep(1)
        try:
            do()
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_the_ingress_writes_down_that_a_preview_was_visited_and_not_by_whom(
    traefik: Traefik, application: Application
) -> None:
    scenario = preview(port=application.server_port)
    document = Document()
    document.take(scenario.environment)
    traefik.routes.write_text(document.text())
    eventually(lambda: ask(traefik, User_Agent="kube-probe/1.30").status_code == 200)
    long_ago = timezone.now() - timedelta(hours=1)
    Environment.objects.update(visited_at=long_ago)
    file = traefik.directory / "visits"
    log = Visits(file)

    def written(times: int) -> bool:
        return file.read_text().count("RouterName") >= times

    eventually(lambda: written(1))
    assert (log.read(), log.known) == (0, True), "a probe is no visit"
    before = file.read_text().count("RouterName")
    ask(traefik, "/orders/of-bob", Cookie="session=of-bob", User_Agent="Mozilla/5.0")
    eventually(lambda: written(before + 1))
    assert log.read() == 1
    scenario.environment.refresh_from_db()
    assert scenario.environment.visited_at is not None and scenario.environment.visited_at > long_ago
    said = file.read_text()
    assert not [word for word in ("of-bob", "127.0.0.1", "session", DOMAIN) if word in said]
    posted = {"Host": f"pr-1-shop.{DOMAIN}", "User-Agent": "Mozilla/5.0"}
    httpx.post(f"http://127.0.0.1:{traefik.web}/", headers=posted, content=b"x" * 2_000, timeout=30, **PLAIN)
    eventually(lambda: written(before + 2))
    assert log.read() == 1, "by the route of requests with a body"


def test_a_page_turns_into_the_application_and_a_program_is_held(
    traefik: Traefik, application: Application, browser: Browser
) -> None:
    port = application.server_port
    scenario = asleep(preview(port=port))
    routed(traefik, scenario)
    assert ask(traefik, User_Agent="kube-probe/1.30").status_code == 503
    assert application.heard == [] and scenario.environment.waking_since is None
    agent = soon(lambda: comes_up(scenario, port))
    held = ask(traefik, "/orders")
    agent.join()
    assert held.status_code == 200 and application.heard[-1]["path"] == "/orders"
    assert "x-galley-look" not in application.heard[-1]

    asleep(scenario)
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(f"http://pr-1-shop.{DOMAIN}:{traefik.web}/cart?x=1")
        expect(page.locator("h1")).to_have_text("The preview is waking up")
        expect(page.locator(".progress")).to_have_text("0 of 2 services up")
        agent = soon(lambda: comes_up(scenario, port))
        expect(page.locator("body")).to_contain_text('"path": "/cart?x=1"', timeout=10_000)
        agent.join()
    finally:
        context.close()


def test_the_callback_host_leads_a_browser_back_to_the_preview_that_it_opened(
    traefik: Traefik, application: Application, browser: Browser
) -> None:
    scenario = preview(port=application.server_port)
    change_project(scenario.project, by=ALICE, callbacks=True)
    scenario.project.refresh_from_db()
    document = Document()
    document.take(scenario.environment)
    traefik.routes.write_text(document.text())
    eventually(lambda: ask(traefik, Sec_Fetch_Mode="navigate").status_code == 200)
    unknown = ask(traefik, "/auth/done?code=1", callback_label(scenario.project))
    assert unknown.status_code == 404 and "No preview began this sign-in" in unknown.text
    application.heard.clear()
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(f"http://pr-1-shop.{DOMAIN}:{traefik.web}/login")
        page.goto(f"{url(scenario.project)}/auth/a%20b?code=1&state=x%2Fy#part")
        assert page.url == f"http://pr-1-shop.{DOMAIN}:{traefik.web}/auth/a%20b?code=1&state=x%2Fy#part"
        page.evaluate("fetch('/data')")
        eventually(lambda: any(heard["path"] == "/data" for heard in application.heard))
        assert page.evaluate("document.cookie") == ""
    finally:
        context.close()
    pages = [heard for heard in application.heard if heard.get("sec-fetch-mode") == "navigate"]
    assert len(pages) == 2 and all("cookie" not in heard for heard in pages)
