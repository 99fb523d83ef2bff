"""The organisation's GitLab: a fake behind TLS of its own authority, where people also sign in."""

import ssl
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trustme
from werkzeug.wrappers import Request, Response

from tests.forges.hosts.gitlab import GitLabSite
from tests.forges.hosts.oauth import Application
from tests.forges.hosts.site import as_json
from tests.walks.office import HERE, INSIDE

BOT, PERSON = "seatrial-bot", "ann"


class CodeHost(GitLabSite):
    """It also answers OpenID Connect, which is what sign-in asks."""

    def sign_in_application(self, redirect_uri: str) -> Application:
        """What an admin of GitLab registers for sign-in."""
        made = Application(
            uuid.uuid4().hex, f"secret-{uuid.uuid4().hex}", redirect_uri, "openid profile email"
        )
        self.applications[made.client_id] = made
        return made

    def page(self, request: Request) -> Response | None:
        if request.path != "/oauth/userinfo":
            return super().page(request)
        person = self.signed_in(request)
        if person is None:
            return as_json({"message": self.no_token}, 401)
        return as_json(
            {
                "sub": str(person.id),
                "nickname": person.login,
                "preferred_username": person.login,
                "groups": [],
            }
        )


@contextmanager
def serving(root: Path, authority: trustme.CA) -> Iterator[CodeHost]:
    """It answers at https://gitlab.example.internal."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(f"gitlab.{INSIDE}").configure_cert(context)
    site = CodeHost(root)
    for login in (BOT, PERSON):
        site.person(login)
    with site.serving(context=context, host=HERE, port=443):
        site.url = f"https://gitlab.{INSIDE}"
        yield site
    assert site.complaints == []
