"""Host names that visitors see. They are one label deep, so that one wildcard certificate serves all of them.

The bare `<env>` is the only web service, or the first by name when there are several; every other routable
service is `<service>-<env>`. A label never exceeds 63 characters: what is longer is cut and given a hash of
the whole, so that the same input always gives the same name.

Different input can still give the same label, by the choice of names: the control plane decides whose a label is.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping

from seatrial.wire.states import ServiceKind

MAX_LABEL = 63
ENVIRONMENT_LABEL = 40  # leaves 23 characters for `<service>-`; longer service names are hashed too
_HASH_BYTES = 10  # 80 bits: nobody finds a second name with the hash of a first one


def hashed(text: str) -> str:
    """16 lower-case letters and digits, the same for the same text."""
    digest = hashlib.sha256(text.encode()).digest()[:_HASH_BYTES]
    return base64.b32encode(digest).decode().lower()


def _fit(label: str, limit: int) -> str:
    if len(label) <= limit:
        return label
    end = f"-{hashed(label)}"
    return label[: limit - len(end)].rstrip("-") + end


def slug(text: str) -> str:
    """`text` in lower-case letters, digits and single hyphens; never empty."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "repo"


def slugs(names: Iterable[str]) -> dict[str, str]:
    """A slug for each of `names`, no two the same: `my-app` keeps its own, `my_app` beside it gets a hash.

    A recipe's services have these in their addresses; whatever else must tell them apart uses these too.
    """
    taken: dict[str, str] = {}
    for name in sorted(set(names), key=lambda name: (slug(name) != name, name)):
        candidate, text = slug(name), name
        while candidate in taken:
            candidate, text = f"{slug(name)}-{hashed(text)}", f"{text}\n"
        taken[candidate] = name
    return {name: candidate for candidate, name in taken.items()}


def environment_name(number: int, repository: str, recipe: str = "") -> str:
    """`pr-<number>-<repo>`, the environment's name and its bare hostname label; of a further recipe of the repository,
    `pr-<number>-<repo>-<recipe>`."""
    end = f"-{slug(recipe)}" if recipe else ""
    return _fit(f"pr-{number}-{slug(repository)}{end}", ENVIRONMENT_LABEL)


def labels(environment: str, services: Mapping[str, ServiceKind]) -> dict[str, list[str]]:
    """The hostname labels of each routable service, its own label first: `{service: [label, ...]}`.

    A single web service has the bare label as its own. Several web services have `<service>-<env>` each, and the first
    by name answers at the bare label too. Without a web service, the first api by name answers at the bare label too.
    """
    routable = {name: kind for name, kind in services.items() if kind.routable}
    webs = sorted(name for name, kind in routable.items() if kind is ServiceKind.WEB)
    apis = sorted(name for name, kind in routable.items() if kind is ServiceKind.API)
    result = {name: [_fit(f"{own}-{environment}", MAX_LABEL)] for name, own in slugs(routable).items()}
    if len(webs) == 1:
        result[webs[0]] = [environment]
    elif webs:
        result[webs[0]].append(environment)
    elif apis:
        result[apis[0]].append(environment)
    return result
