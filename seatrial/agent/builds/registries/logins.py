"""Logins at registries: the operator's, a file as `docker login` writes it, of which a pull gets what it needs and no more, and the one
of a project, which goes before the operator's.

The file is read for every pull, so a token that was renewed counts at once.
"""

import base64
import binascii
import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seatrial.agent.builds.references import HUB, HUB_NAMES
from seatrial.agent.vocabulary.errors import BuilderFailed
from seatrial.wire.registries import RegistryLogin

SETTING = "GALLEY_REGISTRY_AUTH_FILE"
HELPERS = ("credsStore", "credHelpers")
LOGIN = 'Write it as `docker login` does without a credential helper: {"auths": {"registry.example.com": {"auth": "..."}}}'


@dataclass(frozen=True)
class Logins:
    """Those of the file, if there is one."""

    file: Path | None = None

    def of(self, registries: Collection[str], login: RegistryLogin | None = None) -> str:
        """An authentication file with the logins at these hosts, and with `login` in place of the operator's for the same one;
        empty without any. Raises BuilderFailed for a file of no use."""
        known = self._known(registries) if self.file is not None else {}
        if login is not None:
            known = {key: entry for key, entry in known.items() if _host(key) != _host(login.registry)}
            known[login.registry] = _entry(login)
        return json.dumps({"auths": known}) if known else ""

    def _known(self, registries: Collection[str]) -> dict[str, Any]:
        known = {key: entry for key, entry in self._entries().items() if _host(key) in registries}
        for key, entry in known.items():
            if not _is_login(entry):
                raise self._unfit(f"auths.{key} holds no user name and password")
        return known

    def _entries(self) -> dict[str, Any]:
        assert self.file is not None
        try:
            content = json.loads(self.file.read_bytes())
        except OSError as error:
            raise BuilderFailed(
                f"{SETTING}: {self.file} cannot be read by the agent ({error.strerror}). Correct the path or its rights, or unset it"
            ) from None
        except ValueError:  # what is in it is not quoted
            raise self._unfit("it is not JSON") from None
        entries = content.get("auths") if isinstance(content, dict) else None
        if isinstance(entries, dict):
            return entries
        named = [one for one in HELPERS if isinstance(content, dict) and one in content]
        raise self._unfit(f"it leaves logins to {named[0]}" if named else "it has no auths")

    def _unfit(self, what: str) -> BuilderFailed:
        return BuilderFailed(f"{SETTING}: {self.file}: {what}. {LOGIN}")


def _host(key: str) -> str:
    """The registry that an entry is for, as `references.registry_of` calls it."""
    host = key.partition("://")[2] or key
    host = host.partition("/")[0]
    return HUB if host in HUB_NAMES else host


def _entry(login: RegistryLogin) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{login.username}:{login.password}".encode()).decode()}


def _is_login(entry: Any) -> bool:
    try:
        text = base64.b64decode(entry["auth"], validate=True).decode()
    except (TypeError, KeyError, AttributeError, binascii.Error, UnicodeDecodeError):
        return False
    name, _, password = text.partition(":")
    return bool(name and password)
