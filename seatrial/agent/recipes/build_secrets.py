"""Secrets and SSH keys of builds: by the ids that the Dockerfile uses (`RUN --mount=type=secret,id=...`), the variables that they are."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from seatrial.agent.recipes.document import Document, Path
from seatrial.agent.recipes.problems import Problems

ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
DEFAULT = "default"  # the id of the key that `RUN --mount=type=ssh` takes
SSH_VARIABLE = "SSH_PRIVATE_KEY"  # what a compose file means by ssh: [default], which has no name for it

NO_KEY_OF_THE_HOST = (
    "refused: it names a key or an agent of the host",
    f"Write ssh: [default], with the key in the variable {SSH_VARIABLE}",
)


def checked(document: Document, at: Path, given: Mapping[str, str], problems: Problems) -> dict[str, str]:
    """`given`, without those that are noted: {id: name of a variable}."""
    found: dict[str, str] = {}
    for name, variable in given.items():
        where = (*at, name)
        if not ID.fullmatch(name):
            fix = "Use letters, digits and _ . -, beginning with none of . and -"
            problems.add(document.error(where, f"{name!r} is not the id of a secret", fix))
        elif not VARIABLE.fullmatch(variable):
            fix = f"Name one of the project's variables, such as {name.upper().replace('-', '_')}"
            problems.add(document.error(where, f"{variable[:60]!r} is not the name of a variable", fix))
        else:
            found[name] = variable
    return found


def of_compose(
    document: Document, at: Path, entries: Iterable[Mapping[str, Any]], problems: Problems
) -> dict[str, str]:
    """Those of `build.secrets`, which are described at the top level. Only variables are secrets."""
    given: dict[str, str] = {}
    for entry in entries:
        name = str(entry.get("source"))
        described = (document.data.get("secrets") or {}).get(name)
        with problems.noted():
            if described is None:
                document.fail(
                    at, f"there is no secret {name}", f"Add {name}: under secrets: at the top level"
                )
            if not (variable := described.get("environment")):
                document.fail(
                    ("secrets", name),
                    "a build gets secrets from the project's variables only",
                    "Write environment: NAME. What is in the commit is no secret: COPY it",
                )
            given[str(entry.get("target") or name)] = str(variable)
    return checked(document, at, given, problems)


def ssh_of_compose(document: Document, at: Path, given: Any, problems: Problems) -> dict[str, str]:
    """That of `build.ssh`: the key of the project's variable, as there is no agent of a person here."""
    pairs = (
        given.items() if isinstance(given, dict) else (str(one).partition("=")[::2] for one in given or [])
    )
    for name, path in pairs:
        if path or name != DEFAULT:
            problems.add(document.error(at, *NO_KEY_OF_THE_HOST))
    return {DEFAULT: SSH_VARIABLE} if given else {}
