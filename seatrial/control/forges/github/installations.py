"""The installations of a GitHub App: which one reaches a repository, and their tokens."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.github.answers import InstallationAnswer, TokenAnswer
from seatrial.control.forges.github.client import GitHubClient, NotAllowed
from seatrial.control.forges.http.budget import Whose
from seatrial.control.forges.http.problems import NoSuchThing

RENEWED_BEFORE = timedelta(minutes=2)


class NotInstalled(ForgeError):
    """No installation of the App reaches the repository. It is back when it is installed there again."""


@dataclass(frozen=True)
class _Token:
    installation: int
    expires_at: datetime
    text: str = field(repr=False)


class Installations:
    """Asks GitHub as the App, and remembers the answers. Thread-safe. Raises ForgeError.

    A token of an installation reaches all of its repositories with all of the App's permissions; it never leaves this
    process. What leaves it is made by `narrowed`, and not remembered. `repository` is its address in the API.
    """

    def __init__(self, client: GitHubClient) -> None:
        self._client = client
        self._lock = Lock()
        self._of: dict[str, int] = {}
        self._accounts: dict[int, str] = {}
        self._tokens: dict[int, _Token] = {}

    def all(self) -> Iterator[InstallationAnswer]:
        """Every installation, the suspended ones too."""
        for one in self._client.pages("/app/installations", InstallationAnswer):
            self._note(one)
            yield one

    def whose(self, installation: int) -> Whose:
        """GitHub counts the requests of each installation by themselves."""
        with self._lock:
            return Whose(str(installation), self._accounts.get(installation, ""))

    def token_for(self, repository: str) -> tuple[str, Whose]:
        """A token that reaches `repository`, and whose it is. Raises NotInstalled."""
        with self._lock:
            known = self._of.get(repository)
        if known is not None:
            try:
                return self.token(known), self.whose(known)
            except NoSuchThing:
                self.doubt(repository, "")  # it was installed anew
        installation = self.of(repository)
        return self.token(installation), self.whose(installation)

    def of(self, repository: str) -> int:
        """The id of the installation that reaches `repository`. Raises NotInstalled."""
        with self._lock:
            known = self._of.get(repository)
        if known is not None:
            return known
        try:
            found = self._client.get(f"{repository}/installation", InstallationAnswer)
        except NoSuchThing as error:
            raise NotInstalled(_not_installed(repository)) from error
        if found.suspended_at is not None:
            raise NotInstalled(_suspended(found.account.login if found.account else repository))
        self._note(found)
        with self._lock:
            self._of[repository] = found.id
        return found.id

    def token(self, installation: int) -> str:
        """A token of `installation`, which is valid for a while yet."""
        with self._lock:
            known = self._tokens.get(installation)
        if known is not None and known.expires_at - RENEWED_BEFORE > self._client.now():
            return known.text
        made = self._make(installation, {})
        with self._lock:
            self._tokens[installation] = _Token(installation, made.expires_at, made.token)
        return made.token

    def narrowed(self, repository: str, external_id: str, permissions: Mapping[str, str]) -> TokenAnswer:
        """A new token for this one repository and these permissions. Raises NotInstalled."""
        body = {"repository_ids": [int(external_id)], "permissions": dict(permissions)}
        try:
            return self._make(self.of(repository), body)
        except NoSuchThing:
            self.doubt(repository, "")
            return self._make(self.of(repository), body)

    def doubt(self, repository: str, token: str) -> None:
        """Ask again which installation reaches `repository`, and for a token in place of this one."""
        with self._lock:
            self._of.pop(repository, None)
            refused = [one.installation for one in self._tokens.values() if one.text == token]
            for installation in refused:
                del self._tokens[installation]

    def _note(self, installation: InstallationAnswer) -> None:
        if installation.account is not None:
            with self._lock:
                self._accounts[installation.id] = installation.account.login

    def _make(self, installation: int, body: Mapping[str, object]) -> TokenAnswer:
        path = f"/app/installations/{installation}/access_tokens"
        try:
            return self._client.send("POST", path, dict(body), TokenAnswer)
        except NotAllowed as error:
            raise NotInstalled(_suspended(f"number {installation}")) from error


def _not_installed(repository: str) -> str:
    name = repository.removeprefix("/repos/")
    return f"The GitHub App is not installed on {name}: install it there, or add the repository to its installation"


def _suspended(whose: str) -> str:
    return f"The installation {whose} of the GitHub App is suspended: unsuspend it at GitHub"
