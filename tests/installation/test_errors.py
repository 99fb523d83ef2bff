"""One tree of errors, and an answer for each: also for what nobody expected."""

import ast
import importlib
import logging
import pkgutil
import re
from pathlib import Path

import pytest
from django.db import IntegrityError
from django.test import Client, RequestFactory
from structlog.testing import capture_logs

import seatrial.control
from seatrial.control import api
from seatrial.control.accounts.access import AccessDenied
from seatrial.control.accounts.models import User
from seatrial.control.accounts.tokens import issue
from seatrial.control.audit.actors import Actor
from seatrial.control.error_pages import ErrorPagesMiddleware
from seatrial.control.errors import ControlError
from seatrial.control.log_lines import is_not_logged_elsewhere
from seatrial.control.projects import services as projects
from seatrial.control.projects.errors import ProjectContended
from seatrial.control.projects.models import Connection
from seatrial.control.vault.errors import NotSealed
from tests.sources import nodes

SOURCES = Path(seatrial.control.__file__).parent
REFERENCE = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{26}\b")
NAMELESS = {"Exception", "ValueError", "RuntimeError", "KeyError", "LookupError"}
RAISED = re.compile(rf"\braise\s+\(?\s*({'|'.join(NAMELESS)})\b")


def classes() -> set[type[BaseException]]:
    """Every exception class that the control plane defines."""
    skipped = ("migrations", "policies.packs.", "management", "settings", "asgi", "manage")
    found = set()
    for module in pkgutil.walk_packages(seatrial.control.__path__, "seatrial.control."):
        if any(word in module.name for word in skipped):
            continue
        for one in vars(importlib.import_module(module.name)).values():
            if isinstance(one, type) and issubclass(one, BaseException):
                found.add(one)
    return {one for one in found if one.__module__.startswith("seatrial.control")}


def test_every_error_of_ours_hangs_in_the_one_tree() -> None:
    found = classes()
    assert len(found) > 25
    assert {c.__name__ for c in found if not issubclass(c, ControlError)} == {"CannotStart", "NotMatchedYet"}


def test_every_error_has_a_code_of_its_own_tree_and_a_status() -> None:
    for one in classes() - {ControlError}:
        if issubclass(one, ControlError):
            assert one is AccessDenied or one.code != ControlError.code, one
            assert 400 <= one.status < 600, one


def test_nothing_is_raised_without_a_name() -> None:
    """Validators of settings raise ValueError because pydantic asks for that."""
    nameless = [
        f"{path.relative_to(SOURCES)}:{node.lineno}"
        for path in SOURCES.rglob("*.py")
        if path.name not in {"configuration.py", "sign_in_settings.py", "listed.py"}
        and "packs" not in path.parts[:-1]
        and RAISED.search(path.read_text())  # reading all as code takes seconds
        for node in nodes(path)
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)
        if isinstance(node.exc.func, ast.Name) and node.exc.func.id in NAMELESS
    ]
    assert nameless == []


@pytest.mark.django_db
@pytest.mark.postgres
def test_a_project_that_others_always_make_first_ends_with_ask_again(monkeypatch) -> None:
    def taken(*_: object) -> None:
        raise IntegrityError

    monkeypatch.setattr(projects, "_create_project", taken)
    with pytest.raises(ProjectContended, match=r"/srv/shop could not be made.*Ask again"):
        projects.ensure_project(
            Connection(), "/srv/shop", name="shop", clone_url="", web_url="", default_branch="main"
        )


class Broken(Exception):
    """No error of ours."""


@pytest.fixture
def admin() -> User:
    return User.objects.create_superuser("root", password="root-root-root")


@pytest.mark.django_db
@pytest.mark.postgres
class TestUnexpected:
    def test_the_api_answers_with_a_reference_that_is_in_the_log(self, admin: User, monkeypatch) -> None:
        def breaks(*_: object) -> None:
            raise Broken("hunter2")

        monkeypatch.setattr("seatrial.control.status.api._platform", breaks)
        token = issue(admin, "test", by=Actor.person("test"))
        with capture_logs() as logs:
            answer = Client().get("/api/v1/status", headers={"Authorization": f"Bearer {token}"})
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (500, "internal")
        assert "hunter2" not in answer.text
        [line] = [line for line in logs if line["event"] == "unexpected error"]
        assert line["reference"] == REFERENCE.search(error["message"])[0]
        assert isinstance(line["exc_info"], Broken)

    def test_a_page_shows_a_reference_that_is_in_the_log(self, admin: User, monkeypatch) -> None:
        def breaks(*_: object, **__: object) -> None:
            raise Broken("hunter2")

        monkeypatch.setattr("seatrial.control.home.pages.render", breaks)
        client = Client(raise_request_exception=False)
        client.force_login(admin)
        with capture_logs() as logs:
            answer = client.get("/")
        page = answer.content.decode()
        assert answer.status_code == 500 and "hunter2" not in page
        [line] = [line for line in logs if line["event"] == "unexpected error"]
        assert f"<code>{line['reference']}</code>" in page
        assert isinstance(line["exc_info"], Broken)

    @pytest.mark.parametrize("path", ["/accounts/login/", "/nowhere", "/api/v1/nowhere", "/healthz"])
    @pytest.mark.parametrize("charset", ["utf-7", "rot13", "utf-16"])
    def test_a_form_that_cannot_be_read_is_a_bad_request(self, admin: User, path: str, charset: str) -> None:
        """At every door, wherever Django notices: also where it only wants to show that there is nothing."""
        client = Client(raise_request_exception=False, enforce_csrf_checks=True)
        client.cookies["csrftoken"] = "c" * 32
        kind = f"application/x-www-form-urlencoded; charset={charset}"
        answer = client.generic("POST", path, b"login=a", content_type=kind)
        assert answer.status_code == (404 if "nowhere" in path else 400), answer.content.decode()

    def test_an_unknown_address_of_the_api_is_answered_as_one_whatever_is_sent(self) -> None:
        answer = Client(enforce_csrf_checks=True).post("/api/v1/nowhere", {"a": 1})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")

    def test_an_error_of_ours_keeps_its_words_on_a_page(self) -> None:
        request = RequestFactory().get("/projects")
        with capture_logs() as logs:
            answer = ErrorPagesMiddleware(lambda _: None).process_exception(request, NotSealed("here"))
        assert answer.status_code == 500 and "here: not sealed" in answer.content.decode()
        assert [line["code"] for line in logs] == ["vault_error"]

    def test_an_error_of_ours_keeps_its_code_and_words_in_the_api(self) -> None:
        request = RequestFactory().get("/api/v1/status")
        answer = api.api.on_exception(request, ProjectContended("/srv/shop"))
        assert answer.status_code == 503
        assert b'"project_contended"' in answer.content and b"/srv/shop" in answer.content


def test_what_is_logged_with_a_reference_is_not_logged_again() -> None:
    def record(status: int, info: object) -> logging.LogRecord:
        made = logging.LogRecord("django.request", logging.ERROR, "", 0, "Internal Server Error: /", (), info)  # type: ignore[arg-type]
        made.status_code = status
        return made

    assert not is_not_logged_elsewhere(record(500, (Broken, Broken(), None)))
    assert is_not_logged_elsewhere(record(404, None))
    assert is_not_logged_elsewhere(record(500, None))
