"""What people read about a service that is not healthy: what is wrong, and what to do, in the terms of their recipe."""

import re
from collections.abc import Sequence

from seatrial.agent.environments.launch import Planned
from seatrial.agent.recipes.recipe import is_dockerfile, is_galley
from seatrial.agent.vocabulary.containers import Cause, Listener, Unwell

# What the first process says of a program that is there and yet cannot be run.
NOT_RUN = (
    (
        re.compile(r"exec /\S+: no such file or directory$"),
        "If the file is there, its first line names a program that is not, or ends in CR LF: save it with LF",
    ),
    (
        re.compile(r"exec /\S+: exec format error$"),
        "It needs a first line like #!/bin/sh, or was built for another kind of machine",
    ),
)


def ended(planned: Planned, code: int | None, times: int, said: str) -> str:
    """A service that ended while it should run, and the decisive line of what it `said`."""
    again = f", {times} times" if times > 1 else ""
    fix = next((f". {fix}" for pattern, fix in NOT_RUN if pattern.match(said)), "")
    why = f": {said}{fix}" if said else ""
    return f"{planned.service.name} exited with code {'unknown' if code is None else code}{again}{why}"


def out_of_memory(planned: Planned, times: int) -> str:
    """A service that took more than it may have."""
    again = f", {times} times" if times > 1 else ""
    text = f"{planned.service.name} was ended for using more than its {planned.spec.resources.memory_mb} MB of memory{again}"
    fix = _fix(
        planned, "resources: {memory: 1g}", "mem_limit: 1g", "a galley.yml that has resources: {memory: 1g}"
    )
    return f"{text}. Give it more with {fix}"


def unhealthy(
    planned: Planned, unwell: Unwell, seconds: float, listening: Sequence[Listener], expected: Sequence[int]
) -> str:
    """A service that runs, and was not well in all its time. What explains it and what to do come first, then what was seen."""
    name = planned.service.name
    match unwell.cause:
        case Cause.TLS:
            return f"{name}: {unwell.seen}. Serve plain HTTP there: the ingress adds TLS"
        case Cause.NOT_HTTP:
            return f"{name}: {unwell.seen}. {_other_port(planned)}"
        case Cause.OWN_COMMAND:
            return f"{name} runs, but after {seconds:g} s {unwell.seen}"
        case Cause.NO_PORT | Cause.NOTHING_THERE if explained := _elsewhere(planned, listening, expected):
            more = "" if unwell.cause is Cause.NO_PORT else f". After {seconds:g} s, {unwell.seen}"
            return f"{name} listens on {explained}{more}"
        case Cause.WRONG_ANSWER:
            return f"{name} runs, but {unwell.seen} after {seconds:g} s. {_other_path(planned)}"
        case _:
            return f"{name} runs, but {unwell.seen} after {seconds:g} s"


def _other_port(planned: Planned) -> str:
    port = _fix(planned, "set expose to it", "add it to ports", "EXPOSE it first")
    return f"If it has another port for visitors, {port}; if it has none, {_for_nobody(planned)}"


def _for_nobody(planned: Planned) -> str:
    return _fix(planned, "set kind: worker", "set x-galley-kind: worker", "set kind: worker in a galley.yml")


def _other_path(planned: Planned) -> str:
    fix = _fix(
        planned, "set health: {path: /..., status: ...}", "give it a healthcheck", "add HEALTHCHECK CMD ..."
    )
    return f"Its log may say why. If another answer tells that it is well, {fix}"


def _elsewhere(planned: Planned, listening: Sequence[Listener], expected: Sequence[int]) -> str:
    """Which ports it really listens on, and what to do, if that explains the failure."""
    reachable = [listener for listener in listening if not listener.loopback]
    loopback = [listener.port for listener in listening if listener.loopback]
    there = [listener for listener in reachable if not expected or listener.port in expected]
    if any(listener.six for listener in there):  # it was asked over IPv4
        return f"port {there[0].port} for IPv6 only: make it listen on 0.0.0.0"
    if there:
        return ""
    shut_in = [port for port in loopback if port in expected] or ([] if reachable else loopback)
    if shut_in:
        return f"127.0.0.1:{shut_in[0]} only: make it listen on 0.0.0.0"
    if reachable:
        ports, wanted = _all([listener.port for listener in reachable], "and"), _all(expected, "or")
        first = reachable[0].port
        fix = _fix(planned, f"Set expose to {first}", f"Add {first} to ports", f"EXPOSE {first}")
        return f"port {ports}, not on {wanted}. {fix}"
    return _nowhere(planned, expected)


def _all(ports: Sequence[int], joined: str) -> str:
    return f" {joined} ".join(map(str, ports))


def _nowhere(planned: Planned, expected: Sequence[int]) -> str:
    if not planned.service.kind.routable:
        return "no TCP port"
    fix = _fix(
        planned,
        "set health: {path: /, timeout: 180s}",
        "give it a healthcheck with start_period: 180s",
        "add HEALTHCHECK --start-period=180s CMD ...",
    )
    none = "" if expected else f"; if it is not for visitors, {_for_nobody(planned)}"
    return f"no TCP port. If it needs longer to start, {fix}{none}"


def _fix(planned: Planned, galley: str, compose: str, dockerfile: str) -> str:
    """The fix in the words of the recipe, and where it goes."""
    recipe, name = planned.recipe, planned.service.name
    if is_galley(recipe):
        return f"{galley} for services.{name} in {recipe}"
    if is_dockerfile(recipe):
        return f"{dockerfile} in {recipe}" if "galley.yml" not in dockerfile else dockerfile
    return f"{compose} for services.{name} in {recipe or 'the recipe'}"
