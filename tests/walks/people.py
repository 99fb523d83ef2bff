"""What people do at an install that a walk has typed: a browser that signs in, and a merge request that goes in."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from tests.dashboard import chromium
from tests.deploy.installation import NOT_YET
from tests.forges.hosts.site import Hosted, Pull
from tests.waiting import eventually
from tests.walks.code_host import BOT, CodeHost
from tests.walks.office import HERE, HOST, INSIDE

PATIENCE_SECONDS = 900
expect.set_options(timeout=60_000)
ENDED = {"success", "failure", "error"}
RULES = f"MAP gitlab.{INSIDE} {HERE}, MAP *.{INSIDE} {HOST}"


@dataclass
class Browser:
    """Chromium on somebody's desk in the office. `requests` has every address that a page of it asked for."""

    tab: Tab
    requests: set[str] = field(default_factory=set)

    def elsewhere(self, *allowed: str) -> list[str]:
        """What was asked of others than these."""
        return sorted(url for url in self.requests if not url.startswith((*allowed, "data:", "blob:")))


@contextmanager
def browsing() -> Iterator[Browser]:
    """It trusts the organisation's authority."""
    with chromium.browsing(f"--host-resolver-rules={RULES}") as program:
        tab = program.new_page(ignore_https_errors=True)
        tab.set_default_timeout(60_000)
        browser = Browser(tab)
        tab.context.on("request", lambda asked: browser.requests.add(asked.url))
        yield browser


@dataclass
class Admin:
    """Signed in with a password, asks REST."""

    client: httpx.Client

    @property
    def proof(self) -> str:
        """What a form must send."""
        return next(value for name, value in self.client.cookies.items() if name.endswith("csrftoken"))

    def get(self, path: str) -> Any:
        answer = self.client.get(f"/api/v1{path}")
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        headers = {"X-CSRFToken": self.proof, "Referer": f"{self.client.base_url}/"}
        answer = self.client.post(f"/api/v1{path}", json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()

    def put_under_trial(self, gitlab: CodeHost, name: str) -> None:
        """Connect the code host, and add the repository."""
        asked = {
            "forge": "gitlab",
            "base_url": gitlab.url,
            "name": "GitLab",
            "credential": gitlab.people[BOT].token,
        }
        connection = self.post("/connections", asked)
        self.post(f"/connections/{connection['id']}/projects", {"repositories": [name]})
        eventually(lambda: gitlab.signing, what="the webhook is registered, and signs")


@contextmanager
def admin_of(site: str, password: str, **more: Any) -> Iterator[Admin]:
    """Signed in as `admin`."""
    with httpx.Client(base_url=site, trust_env=False, timeout=60, follow_redirects=True, **more) as client:
        eventually(
            lambda: client.get("/accounts/login/").is_success,
            what="the server answers, and its ingress has its certificate",
            not_yet=(httpx.HTTPError,),
        )
        admin = Admin(client)
        form = {"login": "admin", "password": password, "csrfmiddlewaretoken": admin.proof}
        answer = client.post("/accounts/login/", data=form, headers={"Referer": f"{site}/"})
        assert "Sign out" in answer.text, answer.text[:2000]
        yield admin


def outcome(hosted: Hosted, pull: Pull) -> str:
    """The preview's address, once policies and preview of the merge request's head have ended, and said so at the code host."""

    def ended() -> str:
        newest = {one.context: one for one in hosted.statuses if one.sha == pull.head}
        states = {context: one.state for context, one in newest.items()}
        if states.get("seatrial/preview") in ENDED and states.get("seatrial/policies") in ENDED:
            assert states["seatrial/preview"] == "success", newest["seatrial/preview"].description
            assert states["seatrial/policies"] != "error", newest["seatrial/policies"].description
            return newest["seatrial/preview"].url
        return ""

    return eventually(ended, seconds=PATIENCE_SECONDS, what="both statuses", not_yet=NOT_YET)


def page_of_verdict(hosted: Hosted, pull: Pull) -> str:
    """Where the code host says that the verdict about the merge request's head is."""
    (status,) = {
        one.url for one in hosted.statuses if one.sha == pull.head and one.context == "seatrial/policies"
    }
    return status
