"""Decides who gets into a project's previews, and applies that to those that run."""

import ipaddress
from collections.abc import Iterable, Sequence
from contextlib import suppress

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import Q, QuerySet

from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.entrance.errors import BadGate
from seatrial.control.previews import lifecycle
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.projects.gates import gate_of, newest
from seatrial.control.projects.models import Gate, Mode, Project
from seatrial.wire.states import EnvironmentState
from seatrial.wire.visible import visible

HASHER = "bcrypt_sha256"  # bcrypt alone ignores what comes after 72 bytes
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 200
MOST_NAME = 200
MOST_ADDRESSES = 200


@transaction.atomic
def decide(
    project: Project,
    *,
    mode: str,
    by: Actor,
    username: str = "",
    password: str = "",
    addresses: Iterable[str] = (),
) -> Gate | None:
    """Decide who gets into the previews of the next deployments; None if that is what was decided already. Raises BadGate.

    Previews that run keep what they have until `apply`. An empty `password` keeps the one that is set. Whatever is
    wrong, nothing is saved.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    before = newest(project)
    gate = Gate(project=project, mode=checked_mode(mode), by=str(by)[:200])
    if gate.mode == Mode.BASIC:
        gate.username = _checked_name(username)
        gate.password = _hashed(password) if password else _kept(before)
    elif gate.mode == Mode.ADDRESSES:
        gate.addresses = networks(addresses)
    if _same(gate, before):
        return None
    gate.save()
    details = {"mode": gate.mode, "addresses": gate.addresses, "username": gate.username}
    changed = before is not None and gate.password != before.password
    if gate.mode == Mode.BASIC:
        details["password"] = "changed" if changed or before is None else "kept"
    _record("project.preview_access", project, by, details)
    return gate


@transaction.atomic
def apply(project: Project, *, by: Actor) -> int:
    """Have the project's previews ask for what was decided last, without a deployment; returns how many did not yet."""
    gate = gate_of(project)
    changed = [lifecycle.locked(pk) for pk in behind(project).order_by("id").values_list("pk", flat=True)]
    for environment in filter(None, changed):
        ids = [environment.live_id, environment.candidate_id, environment.kept_id]
        Deployment.objects.filter(pk__in=[pk for pk in ids if pk]).update(gate=gate)
        lifecycle.wake_routes(environment)
    if changed:
        _record("project.preview_access_applied", project, by, {"previews": len(changed)})
    return len(changed)


def behind(project: Project) -> QuerySet[Environment]:
    """The previews of the project that still ask for something else than what was decided last."""
    others = Deployment.objects.filter(environment__project=project)
    others = (
        others.exclude(gate__isnull=True)
        if (gate := gate_of(project)) is None
        else others.filter(Q(gate__isnull=True) | ~Q(gate=gate))
    )
    wrong = Q(live__in=others) | Q(candidate__in=others) | Q(kept__in=others)
    return Environment.objects.filter(wrong, project=project).exclude(state=EnvironmentState.TERMINATED)


def checked_mode(mode: str) -> str:
    """The mode. Raises BadGate."""
    if mode not in Mode.values:
        raise BadGate("mode", f"There is no mode {visible(mode)[:50]!r}; there is: {', '.join(Mode.values)}")
    return mode


def networks(entries: Iterable[str]) -> list[str]:
    """Each address or network as CIDR, once, in the order given. Raises BadGate for the first that is none."""
    found = list(dict.fromkeys(_network(entry.strip()) for entry in entries))
    if not found:
        raise BadGate("addresses", "Name at least one address or network, such as 203.0.113.7 or 10.0.0.0/8.")
    if len(found) > MOST_ADDRESSES:
        raise BadGate("addresses", f"At most {MOST_ADDRESSES} addresses and networks, not {len(found)}.")
    return found


def _network(entry: str) -> str:
    if "%" not in entry:  # which begins the name of an interface of one host
        with suppress(ValueError):
            return str(ipaddress.ip_network(entry))
        with suppress(ValueError):
            whole, alone = ipaddress.ip_network(entry, strict=False), entry.partition("/")[0]
            raise BadGate(
                "addresses",
                f"{entry} is an address within a network: write {alone} alone, or the network {whole}.",
            )
    shown = visible(entry)[:60]
    example = "write 203.0.113.7, 10.0.0.0/8 or 2001:db8::/32"
    raise BadGate("addresses", f"{shown!r} is neither an address nor a network: {example}.")


def _checked_name(name: str) -> str:
    if not 1 <= len(name) <= MOST_NAME or ":" in name or not name.isprintable():
        raise BadGate("username", f"A user name has 1 to {MOST_NAME} characters, and no colon.")
    return name


def _hashed(password: str) -> str:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise BadGate("password", f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.")
    return make_password(password, hasher=HASHER)


def _kept(before: Gate | None) -> str:
    if before is None or not before.password:
        raise BadGate("password", "Choose a password; there is none yet.")
    return before.password


def _same(gate: Gate, before: Gate | None) -> bool:
    if before is None:
        return gate.mode == Mode.PUBLIC
    return _essence(gate) == _essence(before)


def _essence(gate: Gate) -> Sequence[object]:
    return gate.mode, gate.username, gate.password, gate.addresses


def _record(action: str, project: Project, by: Actor, details: dict[str, object]) -> None:
    audit.record(action, f"project/{project.pk}", by=by, workspace=project.workspace_id, details=details)
