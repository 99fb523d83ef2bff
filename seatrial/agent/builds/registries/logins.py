"""The operator's logins at registries: a file as `docker login` writes it, of which a pull gets what it needs and no more.

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

SETTING = "GALLEY_REGISTRY_AUTH_FILE"
HELPERS = ("credsStore", "credHelpers")
LOGIN = 'Write it as `docker login` does without a credential helper: {"auths": {"registry.example.com": {"auth": "..."}}}'


@dataclass(frozen=True)
class Logins:
    """Those of the file, if there is one."""

    file: Path | None = None

    def of(self, registries: Collection[str]) -> str:
        """An authentication file with the logins at these hosts; empty without any. Raises BuilderFailed for a file of no use."""
        if self.file is None:
            return ""
        known = {key: entry for key, entry in self._entries().items() if _host(key) in registries}
        for key, entry in known.items():
            if not _is_login(entry):
                raise self._unfit(f"auths.{key} holds no user name and password")
        return json.dumps({"auths": known}) if known else ""

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


def _is_login(entry: Any) -> bool:
    try:
        text = base64.b64decode(entry["auth"], validate=True).decode()
    except (TypeError, KeyError, AttributeError, binascii.Error, UnicodeDecodeError):
        return False
    name, _, password = text.partition(":")
    return bool(name and password)
