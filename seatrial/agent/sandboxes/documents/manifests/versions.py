"""Whether a version that a lock file knows is one that a manifest asks for. What is not understood fits: nobody is told of a difference
that may be none."""

import re
from collections.abc import Callable, Set

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

NUMBERS = re.compile(r"v?(\d+(?:\.\d+){0,3})(?:\+.*)?")  # no pre-release
CARET = re.compile(r"\^?\s*(\d+(?:\.\d+){0,2})")
EXACT = re.compile(r"=\s*(\d+\.\d+\.\d+)")
PESSIMISTIC = re.compile(r"~>\s*(\d+(?:\.\d+)*)")
Number = tuple[int, ...]


def fits(kind: str, spec: str, known: Set[str]) -> bool:
    """Whether one of the `known` versions is asked for by `spec`, as a manifest of this kind writes it."""
    test = TESTS.get(kind)
    if test is None or not known:
        return True
    return any(test(spec.strip(), version) for version in known)


def _of_python(spec: str, version: str) -> bool:
    if spec.startswith("^"):
        return _caret(spec, version)
    try:
        return SpecifierSet(spec).contains(Version(version), prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return True


def _of_go(spec: str, version: str) -> bool:
    return spec == version or not spec.startswith("v")


def _caret(spec: str, version: str) -> bool:
    """`^1.2`: from there on, up to where the first number that is not 0 would change."""
    asked, there = CARET.fullmatch(spec), NUMBERS.fullmatch(version)
    if not asked or not there:
        exact = EXACT.fullmatch(spec)
        return not (exact and there) or _number(exact[1]) == _number(there[1])
    least, number = _number(asked[1]), _number(there[1])
    fixed = next((place for place, one in enumerate(least) if one), len(least) - 1) + 1
    return _long(number) >= _long(least) and number[:fixed] == least[:fixed]


def _of_composer(spec: str, version: str) -> bool:
    return (
        _caret(spec, version) if spec.startswith("^") else True
    )  # without ^, a number is that very version, or a branch


def _of_gems(spec: str, version: str) -> bool:
    """`~> 7.0`: 7.0 and later, before 8."""
    asked, there = PESSIMISTIC.fullmatch(spec), NUMBERS.match(version)
    if not asked or not there or "." not in asked[1]:
        return True
    least, number = _number(asked[1]), _number(there[1])
    return _long(number) >= _long(least) and number[: len(least) - 1] == least[:-1]


def _number(text: str) -> Number:
    return tuple(int(part[:18]) for part in text.split("."))


def _long(number: Number) -> Number:
    return (*number, 0, 0, 0, 0)[:8]


TESTS: dict[str, Callable[[str, str], bool]] = {
    "pyproject": _of_python,
    "go": _of_go,
    "cargo": _caret,
    "composer": _of_composer,
    "gem": _of_gems,
}
