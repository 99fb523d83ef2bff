"""Runs the code of a policy, and returns its outcome."""

import inspect
import linecache
import traceback
from collections.abc import Callable
from typing import Any

TRACEBACK_LINES = 12
OFFERED = ("project", "log", "params")


class NotAPolicy(Exception):
    """The code has no `evaluate` that can be called; the text says what to change."""


class Log:
    """`log("text")`, `log("text", "warning")`, or `log.info("text")` and so on."""

    def __init__(self, send: Callable[[str, str], None]) -> None:
        self._send = send

    def __call__(self, message: object, level: str = "info") -> None:
        self._send(str(level), str(message))

    def debug(self, message: object) -> None:
        """Log a line that only the policy's author wants to read."""
        self._send("debug", str(message))

    def info(self, message: object) -> None:
        """Log a line that is worth reading."""
        self._send("info", str(message))

    def warning(self, message: object) -> None:
        """Log a line about something that may be wrong."""
        self._send("warning", str(message))

    def error(self, message: object) -> None:
        """Log a line about something that is wrong."""
        self._send("error", str(message))

    warn = warning


def run(file: str, code: str, offer: dict[str, Any]) -> Any:
    """Execute `code` as `file` and return the result of its `evaluate`. Exceptions of the policy pass through."""
    lines = code.splitlines(keepends=True)
    linecache.cache[file] = (len(code), None, lines, file)  # so that tracebacks show the policy's own lines
    namespace: dict[str, Any] = {"__name__": "policy", "__file__": file}
    exec(compile(code, file, "exec"), namespace)  # noqa: S102 - running it is the sandbox's whole purpose
    evaluate = namespace.get("evaluate")
    if not callable(evaluate):
        raise NotAPolicy(f"{file} defines no function evaluate(project)")
    positional, by_name = _arguments(file, evaluate, offer)
    return _finished(evaluate(*positional, **by_name))


def _finished(value: Any) -> Any:
    """What it returned, unless that has still to be run: nothing here would wait for it."""
    if inspect.iscoroutine(value):
        value.close()
        raise NotAPolicy("evaluate() is `async`. It must return its result itself: `def evaluate(project):`")
    if inspect.isgenerator(value):
        raise NotAPolicy("evaluate() uses `yield`. It must return its result.")
    return value


def _arguments(
    file: str, evaluate: Callable[..., Any], offer: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """The first parameter is the project whatever its name, unless another is called `project`; the rest go by name."""
    parameters = list(inspect.signature(evaluate).parameters.values())
    names = [each.name for each in parameters]
    left = {**offer, names[0]: offer["project"]} if names and "project" not in names else dict(offer)
    positional: list[Any] = []
    by_name: dict[str, Any] = {}
    for parameter in parameters:
        if parameter.kind is parameter.VAR_KEYWORD:
            by_name |= {name: left[name] for name in OFFERED if name in left and name not in names}
        elif parameter.kind is parameter.VAR_POSITIONAL:
            positional += [offer["project"]] if parameter is parameters[0] else []
        elif parameter.kind is parameter.KEYWORD_ONLY:
            by_name[parameter.name] = _argument(file, parameter, left)
        else:
            positional.append(_argument(file, parameter, left))
    return positional, by_name


def _argument(file: str, parameter: inspect.Parameter, offer: dict[str, Any]) -> Any:
    value = offer.get(parameter.name, parameter.default)
    if value is parameter.empty:
        raise NotAPolicy(
            f"{file}: evaluate() asks for '{parameter.name}', which there is not. The first parameter is the project; "
            "the others can be: log, params"
        )
    return value


def explain(error: BaseException, file: str) -> str:
    """The error, then the lines of the policy's file at which it happened; other lines of the traceback are left out."""
    if isinstance(error, NotAPolicy):
        return str(error)
    trace = traceback.TracebackException.from_exception(error, limit=-50, capture_locals=False)
    trace.stack = traceback.StackSummary.from_list([f for f in trace.stack if f.filename == file][-4:])
    trace.__context__ = trace.__cause__ = None
    summary = "".join(trace.format_exception_only()).strip()
    where = "".join(trace.stack.format()).rstrip().splitlines()[-TRACEBACK_LINES:]
    return "\n".join([summary, *where])
