"""Host names that visitors see. They are one label deep, so that one wildcard certificate serves all of them.

The bare `<env>` is the only web service, or the first by name when there are several; every other routable
service is `<service>-<env>`. A label never exceeds 63 characters: a longer one is cut and ends with a hash of the
whole, so that the same input always gives the same name.
"""

import hashlib
import re
from collections.abc import Mapping

from seatrial.wire.states import ServiceKind

MAX_LABEL = 63
ENVIRONMENT_LABEL = 40  # leaves 23 characters for `<service>-`; longer service names are hashed too


def _fit(label: str, limit: int) -> str:
    if len(label) <= limit:
        return label
    digest = hashlib.sha256(label.encode()).hexdigest()[:6]
    return f"{label[: limit - 7].rstrip('-')}-{digest}"


def slug(text: str) -> str:
    """`text` in lower-case letters, digits and single hyphens; never empty."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "repo"


def environment_name(number: int, repository: str) -> str:
    """`pr-<number>-<repo>`, the environment's name and its bare hostname label."""
    return _fit(f"pr-{number}-{slug(repository)}", ENVIRONMENT_LABEL)


def labels(environment: str, services: Mapping[str, ServiceKind]) -> dict[str, list[str]]:
    """The hostname labels of each routable service, its own label first: `{service: [label, ...]}`.

    A single web service has the bare label as its own. Several web services have `<service>-<env>` each, and the first
    by name answers at the bare label too. Without a web service, the first api by name answers at the bare label too.
    """
    routable = {name: kind for name, kind in services.items() if kind.routable}
    webs = sorted(name for name, kind in routable.items() if kind is ServiceKind.WEB)
    apis = sorted(name for name, kind in routable.items() if kind is ServiceKind.API)
    result = {name: [_fit(f"{slug(name)}-{environment}", MAX_LABEL)] for name in routable}
    if len(webs) == 1:
        result[webs[0]] = [environment]
    elif webs:
        result[webs[0]].append(environment)
    elif apis:
        result[apis[0]].append(environment)
    return result
