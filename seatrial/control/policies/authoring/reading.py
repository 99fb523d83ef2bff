"""Reads a policy's file without running it, and says all that is wrong with it, with its lines."""

import ast
import json
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from seatrial.control.policies import packs
from seatrial.control.policies.criteria import check_criteria
from seatrial.control.policies.errors import BadCriteria, BadMetadata, BadPolicy, Problem
from seatrial.control.policies.packs import PackedPolicy
from seatrial.control.policies.trials import cases
from seatrial.wire.visible import visible

MOST_CODE = 100_000  # characters
MOST_NAME = 200
MOST_PROBLEMS = 20
OFFERED = ("project", "log", "params")
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
MOST_SLUG = 100


def read(slug: str, code: str) -> PackedPolicy:
    """The policy in `code`, whose lines end with a line feed afterwards. Raises BadPolicy, with everything that is wrong."""
    code = plain(code)
    problems = list(_about_slug(slug)) + list(_about_text(code))
    module = None if problems else _parsed(code, problems)
    if module is not None:
        problems += _about_module(module)
    if problems:
        raise BadPolicy(problems[:MOST_PROBLEMS])
    return packs.parse(slug, code)


def plain(code: str) -> str:
    """`code` with line feeds at the ends of its lines, whatever a form or another system sent, and one at its end."""
    return code.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"


def _about_slug(slug: str) -> Iterator[Problem]:
    if len(slug) > MOST_SLUG or not SLUG.fullmatch(slug):
        yield Problem(
            0,
            f"{visible(slug)[:MOST_SLUG]!r} cannot be a policy's slug: it has small letters, digits and single hyphens, "
            f"at most {MOST_SLUG}, for instance no-secrets",
        )


def _about_text(code: str) -> Iterator[Problem]:
    if not code.strip():
        yield Problem(0, "the file is empty: write a function evaluate(project)")
    if len(code) > MOST_CODE:
        yield Problem(0, f"{len(code):,} characters are too many: a policy has {MOST_CODE:,} at most")
        return
    for number, line in enumerate(code.split("\n"), 1):
        unseen = next((one for one in line if one != "\t" and visible(one) != one), None)
        if unseen is not None:
            yield Problem(
                number,
                f"{visible(unseen)} is not seen where the code is read, so it could hide something: "
                f"write it as an escape, {ascii(unseen)[1:-1]}",
            )


def _parsed(code: str, problems: list[Problem]) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in a string is the author's affair
            module = ast.parse(code)
            compile(module, "policy", "exec", dont_inherit=True)
    except SyntaxError as error:
        problems.append(Problem(error.lineno or 0, f"this is no Python: {error.msg}"))
    except (ValueError, RecursionError, MemoryError):
        problems.append(Problem(0, "this is no Python that can be read: it is nested too deeply"))
    else:
        return module
    return None


def _about_module(module: ast.Module) -> Iterator[Problem]:
    yield from _about_evaluate(module)
    for name, node in packs.assigned(module):
        if name in _CHECKS:
            yield from _about_literal(name, node)


def _about_evaluate(module: ast.Module) -> Iterator[Problem]:
    found = [node for node in module.body if "evaluate" in _bound(node)]
    if not found:
        yield Problem(0, "there is no function evaluate: write `def evaluate(project):` at the left margin")
        return
    last = found[-1]
    if isinstance(last, ast.AsyncFunctionDef):
        yield Problem(last.lineno, "evaluate cannot be `async`: it is called, and not awaited")
    elif isinstance(last, ast.ClassDef):
        yield Problem(last.lineno, "evaluate must be a function, and is a class")
    elif isinstance(last, ast.FunctionDef):
        yield from _about_arguments(last)


def _bound(node: ast.stmt) -> set[str]:
    """The names that a statement binds, as far as one can see without running it."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    inner = [one for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)]
    names = {
        alias.asname or alias.name for alias in getattr(node, "names", []) if isinstance(alias, ast.alias)
    }
    nested = {one.name for one in ast.walk(node) if isinstance(one, ast.FunctionDef)}
    return (
        names
        | {one.id for one in inner}
        | (nested if isinstance(node, ast.If | ast.Try | ast.With) else set())
    )


def _about_arguments(function: ast.FunctionDef) -> Iterator[Problem]:
    given = function.args
    by_place = [*given.posonlyargs, *given.args]
    if not by_place and not given.kwonlyargs and given.vararg is None and given.kwarg is None:
        yield Problem(function.lineno, "evaluate takes no parameter: its first one is the project")
    defaulted = (
        {one.arg for one in by_place[len(by_place) - len(given.defaults) :]} if given.defaults else set()
    )
    defaulted |= {one.arg for one, value in zip(given.kwonlyargs, given.kw_defaults, strict=True) if value}
    named = [one.arg for one in (*by_place, *given.kwonlyargs)]
    rest = named if "project" in named else named[1:]
    for name in rest:
        if name not in OFFERED and name not in defaulted:
            yield Problem(
                function.lineno,
                f"evaluate asks for {name!r}, which there is not. Its first parameter is the project; the others can be: log, params",
            )


def _about_literal(name: str, node: ast.expr) -> Iterator[Problem]:
    try:
        value = ast.literal_eval(node)
        if name != "TESTS":  # whose files may be bytes
            json.dumps(value, allow_nan=False)
    except (ValueError, TypeError, RecursionError, MemoryError):
        yield Problem(
            node.lineno,
            f"{name} must be written out: it is read without running the file, so it has only texts, numbers, True, False, "
            "None, lists and dictionaries",
        )
        return
    for text in _CHECKS[name](value):
        yield Problem(node.lineno, text)


def _name(value: Any) -> Iterator[str]:
    if not isinstance(value, str) or not value.strip() or len(value) > MOST_NAME or "\n" in value:
        yield f"NAME is one line of text with 1 to {MOST_NAME} characters"


def _criteria(value: Any) -> Iterator[str]:
    try:
        check_criteria(value)
    except BadCriteria as error:
        yield f"CRITERIA: {error}"


def _params(value: Any) -> Iterator[str]:
    if not isinstance(value, dict) or not all(isinstance(key, str) and key.isidentifier() for key in value):
        yield 'PARAMS is a dictionary of names and the values that they have unless people change them, for instance {"most": 5}'


def _network(value: Any) -> Iterator[str]:
    if not isinstance(value, bool):
        yield f"NETWORK is {value!r}. It is True if the policy asks for the network, else False"


def _live(value: Any) -> Iterator[str]:
    if not isinstance(value, bool):
        yield f"LIVE is {value!r}. It is True if the policy looks at the preview of the commit, else False"


def _tests(value: Any) -> Iterator[str]:
    try:
        cases.read("TESTS", value)
    except BadMetadata as error:
        yield str(error)


_CHECKS: dict[str, Callable[[Any], Iterator[str]]] = {
    "NAME": _name,
    "CRITERIA": _criteria,
    "PARAMS": _params,
    "NETWORK": _network,
    "LIVE": _live,
    "TESTS": _tests,
}
