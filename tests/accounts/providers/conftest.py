"""A place to sign in with, and somebody's browser."""

import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import trustme
from django.conf import settings
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from pydantic import SecretStr

from seatrial.control.accounts.models import Workspace
from seatrial.control.accounts.providers.google import GoogleConversation
from tests.accounts.providers.place import Account, Place

HOST = "localhost:3000"  # that of SITE_URL


@dataclass(frozen=True)
class Authority:
    file: Path
    context: ssl.SSLContext


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("127.0.0.1").configure_cert(context)
    file = tmp_path_factory.mktemp("authority") / "authority.pem"
    made.cert_pem.write_to_path(str(file))
    return Authority(file, context)


@pytest.fixture(autouse=True)
def _fresh(db: None) -> None:
    cache.clear()  # what other tests have counted
    Workspace.objects.create(slug="default", name="Default")


Configure = Callable[..., None]


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Change settings, by their names in lower case."""

    def change(**values: Any) -> None:
        monkeypatch.setattr(settings, "CONFIGURATION", settings.CONFIGURATION.model_copy(update=values))

    return change


Opened = Callable[..., Place]


@pytest.fixture
def opened(configure: Configure, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opened]:
    """Open a place of a kind, for which this server is set up."""
    with ExitStack() as stack:

        def open_one(kind: str, **account: Any) -> Place:
            callback = f"http://{HOST}/accounts/{kind}/login/callback/"
            place = Place(kind, callback, Account(**{"id": 7, "login": "octocat", **account}))
            stack.enter_context(place.serving(authority.context))
            if kind == "google":
                monkeypatch.setattr(GoogleConversation, "authorize_address", f"{place.url}/authorize")
                monkeypatch.setattr(GoogleConversation, "token_address", f"{place.url}/token")
            configure(
                **{
                    f"{kind}_url": place.url,
                    f"{kind}_client_id": place.client_id,
                    f"{kind}_client_secret": SecretStr(place.client_secret),
                    "gitgrit_custom_ca_file_path": authority.file,
                }
            )
            return place

        yield open_one


class Browser:
    """Somebody's browser: it keeps cookies, and goes where it is led."""

    def __init__(self, authority: Authority, **options: Any) -> None:
        self.client = Client(headers={"host": HOST}, **options)
        self._outside = httpx.Client(
            verify=ssl.create_default_context(cafile=str(authority.file)), trust_env=False
        )

    def leave(self, place: Place, **form: str) -> str:
        """Press the button; the address at the provider that the page leads to."""
        answer = self.client.post(f"/accounts/{place.kind}/login/", form)
        return led_to(answer)

    def come_back(self, url: str) -> str:
        """Say yes at the provider; the address of ours that it sends to."""
        answer = self._outside.get(url)
        assert answer.status_code == 302, answer.text
        parts = urlsplit(answer.headers["Location"])
        assert parts.netloc == HOST
        return f"{parts.path}?{parts.query}"

    def sign_in(self, place: Place, **form: str) -> HttpResponse:
        """All of it; our answer at the end."""
        return self.client.get(self.come_back(self.leave(place, **form)))

    @property
    def user(self) -> str | None:
        """The id of whoever is signed in."""
        return self.client.session.get("_auth_user_id")

    def close(self) -> None:
        self._outside.close()


def led_to(answer: HttpResponse) -> str:
    assert answer.status_code == 200, answer
    found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', answer.content.decode())
    assert found, answer.content.decode()
    return unescape(found[1])


@pytest.fixture
def browser(authority: Authority) -> Iterator[Browser]:
    made = Browser(authority)
    yield made
    made.close()


@pytest.fixture
def another(authority: Authority) -> Iterator[Browser]:
    made = Browser(authority)
    yield made
    made.close()
