"""Browsers that are led from host to host, to where they wanted."""

from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from django.test import Client

from seatrial.control.entrance import passes
from seatrial.control.previews.models import Environment
from tests.entrance.visits import DOMAIN, knock

PAGE = {"Accept": "text/html,*/*;q=0.8"}


def through(environment: Environment, answer: Any, label: str = "") -> tuple[str, dict[str, str]]:
    """Follow a browser from host to host; where it ends, and the Cookie header of each host."""
    jar: dict[str, str] = {}
    for _ in range(10):
        where = urlsplit(answer["Location"])
        host = (where.hostname or "").removesuffix(f".{DOMAIN}")
        if where.path != passes.PATH:
            return answer["Location"], jar
        answer = knock(environment, f"{where.path}?{where.query}", label=host)
        assert answer.status_code == 302, answer.content
        jar[host] = SimpleCookie(answer["Set-Cookie"]).output(attrs=[], header="").strip()
    raise AssertionError("it never arrives")


def entered(environment: Environment, user: Any, uri: str = "/cart?x=1") -> tuple[str, dict[str, str]]:
    """What happens to a browser in which `user` is signed in at the dashboard."""
    sent = knock(environment, uri, **PAGE)
    assert sent.status_code == 302
    client = Client()
    client.force_login(user)
    where = urlsplit(sent["Location"])
    return through(environment, client.get(f"{where.path}?{where.query}"))
