"""What people are told of a service that is not well: what is wrong, and what to do, in the words of their recipe."""

from collections.abc import Sequence

from seatrial.agent.environments.launch import Planned
from seatrial.agent.recipes.recipe import GALLEY_FILES
from seatrial.agent.vocabulary.containers import Cause, Listener, Unwell
from seatrial.agent.vocabulary.logs import decisive


def ended(planned: Planned, code: int | None, times: int, lines: Sequence[str]) -> str:
    """A service that ended while it should run."""
    again = f", {times} times" if times > 1 else ""
    why = f": {said}" if (said := decisive(lines)) else ""
    return f"{planned.service.name} exited with code {'unknown' if code is None else code}{again}{why}"


def out_of_memory(planned: Planned, times: int) -> str:
    """A service that took more than it may have."""
    again = f", {times} times" if times > 1 else ""
    text = f"{planned.service.name} was ended for using more than its {planned.spec.resources.memory_mb} MB of memory{again}"
    fix = _fix(
        planned, "resources: {memory: 1g}", "mem_limit: 1g", "a galley.yml that says resources: {memory: 1g}"
    )
    return f"{text}. Give it more with {fix}"


def unhealthy(
    planned: Planned, unwell: Unwell, seconds: float, listening: Sequence[Listener], expected: Sequence[int]
) -> str:
    """A service that runs, and was not well in all its time."""
    text = f"{planned.service.name} runs, but {unwell.seen} after {seconds:g} s"
    more = _explained(planned, unwell, listening, expected)
    return f"{text}. {more}" if more else text


def _explained(
    planned: Planned, unwell: Unwell, listening: Sequence[Listener], expected: Sequence[int]
) -> str:
    match unwell.cause:
        case Cause.OWN_COMMAND | Cause.WRONG_ANSWER | Cause.NO_ANSWER:
            return ""
        case Cause.TLS:
            return "Serve plain HTTP there: the ingress adds TLS"
        case Cause.NOT_HTTP:
            port = _fix(planned, "set expose to it", "add it to ports", "EXPOSE it first")
            none = _fix(
                planned, "say kind: worker", "say x-galley-kind: worker", "say kind: worker in a galley.yml"
            )
            return f"If it has another port for visitors, {port}; if it has none, {none}"
        case _:
            return _elsewhere(planned, listening, expected)


def _elsewhere(planned: Planned, listening: Sequence[Listener], expected: Sequence[int]) -> str:
    """One sentence about the ports that it really listens on, if that explains the failure."""
    wanted = expected[0] if expected else None
    reachable = [listener for listener in listening if not listener.loopback]
    loopback = [listener.port for listener in listening if listener.loopback]
    there = [listener for listener in reachable if wanted in {None, listener.port}]
    if any(listener.six for listener in there):  # it was asked over IPv4
        return f"It listens on port {there[0].port} for IPv6 only: make it listen on 0.0.0.0"
    if there:
        return ""
    if wanted in loopback or (loopback and not reachable):
        port = wanted if wanted in loopback else loopback[0]
        return f"It listens on 127.0.0.1:{port} only: make it listen on 0.0.0.0"
    if reachable:
        ports = " and ".join(str(listener.port) for listener in reachable)
        first = reachable[0].port
        fix = _fix(planned, f"Set expose to {first}", f"Add {first} to ports", f"EXPOSE {first}")
        return f"It listens on port {ports}, not on {wanted}. {fix}"
    return _nowhere(planned)


def _nowhere(planned: Planned) -> str:
    if not planned.service.kind.routable:
        return "It listens on no TCP port"
    fix = _fix(
        planned,
        "set health: {path: /, timeout: 180s}",
        "give it a healthcheck with start_period: 180s",
        "add HEALTHCHECK --start-period=180s CMD ...",
    )
    return f"It listens on no TCP port. If it needs longer to start, {fix}"


def _fix(planned: Planned, galley: str, compose: str, dockerfile: str) -> str:
    """The fix in the words of the recipe, and where it goes."""
    recipe, name = planned.recipe, planned.service.name
    if recipe in GALLEY_FILES:
        return f"{galley} for services.{name} in {recipe}"
    if recipe == "Dockerfile":
        return f"{dockerfile} in {recipe}" if "galley.yml" not in dockerfile else dockerfile
    return f"{compose} for services.{name} in {recipe or 'the recipe'}"
