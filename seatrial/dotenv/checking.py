"""Whether a `.env` is right: everything that is wrong, at once, with the same checks as the programs'."""

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from seatrial.control.configuration import unfit_without_internet
from seatrial.dotenv.table import ENCRYPTION_KEY, INTERNAL, MASTER_KEY, default, variables
from seatrial.dotenv.variable import Install, Variable
from seatrial.environ.sentences import refusals
from seatrial.environ.shapes import is_here

EXAMPLE = "example.com"
PROVIDERS = ("GITHUB", "GITLAB", "GITEA", "GOOGLE")


@dataclass(frozen=True)
class Findings:
    """What is wrong, and what is likely not meant."""

    problems: tuple[str, ...]
    warnings: tuple[str, ...]


def examine(install: Install, values: Mapping[str, str]) -> Findings:
    """Every sentence about these variables; each begins with a variable's name."""
    missing = set(lacking(install, values))
    given = {one.name: one for one in variables(install) if values.get(one.name)}
    wrong = [f"{name}: not set. {_how(one)}" for one in variables(install) if (name := one.name) in missing]
    wrong += [line for line in _by_programs(install, values) if line.split(":")[0] not in missing]
    named = {line.split(":")[0] for line in wrong}
    for name, one in given.items():
        if name not in named and (said := _said(one.check, values[name])):
            wrong.append(f"{name}: {said}")
    if install is Install.AIR_GAPPED and "SITE_URL" in given and "SITE_URL" not in named:
        wrong += [f"SITE_URL: {said}" for said in [unfit_without_internet(values["SITE_URL"])] if said]
    wrong += _the_same(given, values)
    return Findings(tuple(wrong), tuple(_doubts(install, values)))


def lacking(install: Install, values: Mapping[str, str]) -> list[str]:
    """Variables that must have a value and have none."""
    needed = [one.name for one in variables(install) if install in one.required and not values.get(one.name)]
    return [name for name in needed if name != MASTER_KEY or not values.get(ENCRYPTION_KEY)]


def problem(install: Install, name: str, value: str, others: Mapping[str, str]) -> str:
    """What is wrong with one answer, beside those that were given before; empty if nothing is."""
    found = examine(install, {**others, name: value}).problems
    return next((line.removeprefix(f"{name}: ") for line in found if line.startswith(f"{name}: ")), "")


def _by_programs(install: Install, values: Mapping[str, str]) -> Iterator[str]:
    """What the programs themselves say when they are given these variables."""
    for program in dict.fromkeys(one.program for one in variables(install) if one.program is not None):
        mine = {one.setting.upper(): one for one in variables(install) if one.program is program}
        given = {name: values[one.name] for name, one in mine.items() if values.get(one.name)}
        if install is Install.AIR_GAPPED:
            given["AIRGAPPED"] = "True"
        for line in refusals(program, given):
            name, _, said = line.partition(": ")
            yield f"{mine[name].name if name in mine else name}: {said}"


def _said(check: Callable[[str], object], value: str) -> str:
    try:
        check(value)
    except ValueError as error:
        return str(error)
    return ""


def _how(one: Variable) -> str:
    return (
        "Make it with `seatrial init --force`, which keeps the rest"
        if one.make is not None
        else f"Set it to {one.what}"
    )


def _the_same(given: Mapping[str, Variable], values: Mapping[str, str]) -> Iterator[str]:
    """Two secrets are never the same, unless one was pasted into the variable of another."""
    first: dict[str, str] = {}
    for name, one in given.items():
        if one.secret and (other := first.setdefault(values[name], name)) != name:
            yield f"{name}: the same value as {other}. Give each a value of its own"


def _doubts(install: Install, values: Mapping[str, str]) -> Iterator[str]:
    known = {one.name: one for one in variables(install)}
    for name in values:
        if name in INTERNAL and name not in known:
            yield f"{name}: the compose file sets it. Remove it here"
        elif name not in known and (near := difflib.get_close_matches(name, known, n=1, cutoff=0.85)):
            yield f"{name}: no variable of this install. Did you mean {near[0]}?"
    site = values.get("SITE_URL", "")
    if install is Install.ONE_HOST and site.startswith("http://") and not is_here(site):
        yield "SITE_URL: the ingress serves it with TLS alone. Write it with https://"
    for name in ("SITE_URL", "GALLEY_PREVIEW_DOMAIN"):
        if values.get(name, "").endswith(f".{EXAMPLE}"):
            yield f"{name}: an example's. Set it to a name of your own"
    *above, last = values.get("GALLEY_PREVIEW_DOMAIN", "localhost").split(".")
    if last and last != "localhost" and (not above or last.isdigit()):
        yield "GALLEY_PREVIEW_DOMAIN: not like a domain. Write it like preview.example.com, if it is not swapped with another"
    if values.get("GALLEY_ACME_PROVIDER") and values.get("GALLEY_TLS_DIR"):
        yield "GALLEY_TLS_DIR: certificates come by ACME, too (GALLEY_ACME_PROVIDER). Set one of the two"
    for kind in PROVIDERS:
        switch = f"AUTH_PROVIDER_{kind}_ENABLED"
        on = (values.get(switch) or default(install, known[switch])) == "True"
        unset = [
            name
            for part in ("URL", "CLIENT_ID", "CLIENT_SECRET")
            if _lacks(name := f"{kind}_{part}", known, values)
        ]
        if on and unset:
            yield f"{switch}: sign-in stays off until these are set: {', '.join(unset)}"


def _lacks(name: str, known: Mapping[str, Variable], values: Mapping[str, str]) -> bool:
    return name in known and not values.get(name) and not known[name].default
