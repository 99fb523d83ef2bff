"""Says what is wrong with a compose file that Compose refused: held against the specification's schema, with a line and a fix."""

import json
import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from seatrial.agent.recipes.compose.limits import KNOWN
from seatrial.agent.recipes.document import Document, Path
from seatrial.agent.vocabulary.errors import RecipeError

SERVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
NO_NAME = (
    "not a service name",
    "Begin with a letter or digit; up to 63 letters, digits, dots, hyphens and underscores",
)
MOST_ERRORS = 100
TYPES = {
    "object": "a map", "array": "a list", "string": "text", "integer": "a whole number", "number": "a number",
    "boolean": "true or false", "null": "nothing",
}  # fmt: skip
FIXES = {
    "object": "Write key: value below it",
    "array": "Write - item below it",
    "string": "Put it in quotes",
}
DURATIONS = {"interval", "timeout", "start_period", "start_interval", "stop_grace_period", "delay", "window"}


@cache
def schema() -> Any:
    """The specification's schema, parsed."""
    return json.loads((files("seatrial.agent.recipes") / "schema/compose-spec.json").read_bytes())


def errors(document: Document) -> list[tuple[Path, RecipeError]]:
    """Every key or value that the specification does not know, in the file's order, and where it stands."""
    problems = Draft202012Validator(schema()).iter_errors(plain(document.data))
    found = [
        exact(error)
        for error in islice(problems, MOST_ERRORS)
        if not is_covered(error) and not has_variable(error)
    ]
    found.sort(key=lambda error: document.line(tuple(error.absolute_path)))
    return [one for error in found for one in explained(document, error)]


def has_variable(error: ValidationError) -> bool:
    """Whether the value is not known yet."""
    return isinstance(error.instance, str) and "$" in error.instance


def plain(data: dict[str, Any]) -> dict[str, Any]:
    """`data` without the parts that we accept although the schema does not: the meaningless version, and empty keys."""
    services = data.get("services")
    if isinstance(services, dict):
        services = {
            name: {key: value for key, value in keys.items() if value is not None}
            if isinstance(keys, dict)
            else keys
            for name, keys in services.items()
        }
    named = {key: value for key, value in data.items() if key != "version" and value is not None}
    return named | ({"services": services} if services is not None else {})


def is_covered(error: ValidationError) -> bool:
    """Whether another error covers this one: if no key of a service is unknown, only a wrong value made the schema complain
    about its keys."""
    return error.validator == "unevaluatedProperties" and not extras(tuple(error.absolute_path), error)


def exact(error: ValidationError) -> ValidationError:
    """The error itself, or, if the schema allows several forms, the error in the form that the author meant."""
    inner = list(error.context or ())
    meant = [one for one in inner if one.relative_path or one.validator != "type"]
    if not meant:
        return error
    return exact(max(meant, key=lambda one: len(one.absolute_path)))


def explained(document: Document, error: ValidationError) -> list[tuple[Path, RecipeError]]:
    """`error` in our form: one for each key that is not known."""
    path: Path = tuple(error.absolute_path)
    if error.validator == "additionalProperties" and path == ("services",):
        given: Any = error.instance
        names = [name for name in given if not SERVICE.fullmatch(str(name))]
        return [((*path, name), document.error((*path, name), *NO_NAME)) for name in names]
    if error.validator in {"additionalProperties", "unevaluatedProperties"}:
        if not path and "services" not in document.data:
            old = [(str(key),) for key in extras(path, error) if is_service(document.data[key])]
            if old:
                return [
                    (at, document.error(at, "unknown key", "Write services below services:")) for at in old
                ]
        wrong: list[Path] = [(*path, key) for key in extras(path, error)]
        return [(at, document.unknown(at, known(path, error))) for at in wrong]
    return [(path, unfit(document, path, error))]


def is_service(value: Any) -> bool:
    """Whether it looks like a service, as they stood at the top of the first compose files."""
    return isinstance(value, dict) and ("image" in value or "build" in value)


def unfit(document: Document, path: Path, error: ValidationError) -> RecipeError:
    """The error for a value that is there and wrong, or missing."""
    allowed: Any = error.validator_value
    given: Any = error.instance
    if error.validator == "required":
        missing = next(name for name in allowed if name not in given)
        return document.error(path, f"{missing} is missing", f"Add {missing}:")
    if error.validator == "uniqueItems":
        return document.error(path, "the same entry is here twice", "Remove one of them")
    shown = shortened(given)
    if error.validator == "enum":
        return document.error(path, f"{shown} is not allowed", f"Allowed: {', '.join(map(str, allowed))}")
    kinds = list(types(error))
    if not kinds:
        return document.error(path, f"{shown} does not fit", "Correct it")
    wanted = " or ".join(TYPES[kind] for kind in kinds)
    fix = FIXES.get(kinds[0], "Correct it")
    if kinds[0] == "string" and isinstance(given, list | dict):
        fix = "Write one value"
    elif path[-1] in DURATIONS:
        fix = "Write it like 30s or 1m30s"
    return document.error(path, f"expected {wanted}, found {shown}", fix)


def types(error: ValidationError) -> Iterable[str]:
    """The types of value that would fit."""
    if error.validator == "type":
        value: Any = error.validator_value
        return [value] if isinstance(value, str) else value
    inner = [kind for one in error.context or () if one.validator == "type" for kind in types(one)]
    return sorted(dict.fromkeys(inner), key=list(TYPES).index)


def extras(path: Path, error: ValidationError) -> list[str]:
    """The keys that are not known."""
    keys: Any = error.instance
    return [key for key in keys if key not in known(path, error) and key[:2] != "x-"]


def known(path: Path, error: ValidationError) -> set[str]:
    """The keys known at `path`."""
    if len(path) == 2 and path[0] == "services":
        return KNOWN
    schema_here: Any = error.schema
    return set(schema_here.get("properties", {}))


def shortened(value: Any) -> str:
    """A value as a message shows it."""
    return "nothing" if value is None else repr(value)[:60]
