"""Validates a compose file against the specification's schema, so that all values have the types we expect."""

import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from seatrial.agent.recipes.compose_limits import KNOWN
from seatrial.agent.recipes.document import Document, Path
from seatrial.agent.vocabulary.errors import RecipeError

MOST_ERRORS = 100  # collected; only the first in the file is reported
TYPES = {
    "object": "a map", "array": "a list", "string": "text", "integer": "a whole number", "number": "a number",
    "boolean": "true or false", "null": "nothing",
}  # fmt: skip
FIXES = {
    "object": "Write key: value below it",
    "array": "Write - item below it",
    "string": "Put it in quotes",
}


@cache
def schema() -> Any:
    """The specification's schema, parsed."""
    return json.loads((files("seatrial.agent.recipes") / "schema/compose-spec.json").read_bytes())


def check(document: Document) -> None:
    """Raise RecipeError for the first key or value in the file that the specification does not know."""
    problems = Draft202012Validator(schema()).iter_errors(plain(document.data))
    errors = [exact(error) for error in islice(problems, MOST_ERRORS) if not is_covered(error)]
    if errors:
        raise explained(document, min(errors, key=lambda error: document.line(tuple(error.absolute_path))))


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
    """Whether another error covers this one: service names are checked more strictly, with a message of their own, and if
    no key of a service is unknown, only a wrong value made the schema complain about its keys."""
    path = list(error.absolute_path)
    if error.validator == "unevaluatedProperties":
        return not extra(tuple(path), error)
    return error.validator == "additionalProperties" and path == ["services"]


def exact(error: ValidationError) -> ValidationError:
    """The error itself, or, if the schema allows several forms, the error in the form that the author meant."""
    inner = list(error.context or ())
    meant = [one for one in inner if one.relative_path or one.validator != "type"]
    if not meant:
        return error
    return exact(max(meant, key=lambda one: len(one.absolute_path)))


def explained(document: Document, error: ValidationError) -> RecipeError:
    """`error` in our form."""
    path: Path = tuple(error.absolute_path)
    allowed: Any = error.validator_value
    given: Any = error.instance
    if error.validator in {"additionalProperties", "unevaluatedProperties"}:
        return document.unknown((*path, extra(path, error)), known(path, error))
    if error.validator == "required":
        missing = next(name for name in allowed if name not in given)
        return document.error(path, f"{missing} is missing", f"Add {missing}:")
    if error.validator == "uniqueItems":
        return document.error(path, "the same entry stands here twice", "Remove one of them")
    shown = shortened(given)
    if error.validator == "enum":
        return document.error(path, f"{shown} is not allowed", f"Allowed: {', '.join(map(str, allowed))}")
    kinds = list(types(error))
    if not kinds:
        return document.error(path, f"{shown} does not fit", "Correct it")
    wanted = " or ".join(TYPES[kind] for kind in kinds)
    fix = FIXES.get(kinds[0], "Correct it")
    return document.error(path, f"expected {wanted}, found {shown}", fix)


def types(error: ValidationError) -> Iterable[str]:
    """The types of value that would fit."""
    if error.validator == "type":
        value: Any = error.validator_value
        return [value] if isinstance(value, str) else value
    inner = [kind for one in error.context or () if one.validator == "type" for kind in types(one)]
    return sorted(dict.fromkeys(inner), key=list(TYPES).index)


def extra(path: Path, error: ValidationError) -> str:
    """The first key that is not known."""
    keys: Any = error.instance
    return next((key for key in keys if key not in known(path, error) and key[:2] != "x-"), "")


def known(path: Path, error: ValidationError) -> set[str]:
    """The keys known at `path`."""
    if len(path) == 2 and path[0] == "services":
        return KNOWN
    schema_here: Any = error.schema
    return set(schema_here.get("properties", {}))


def shortened(value: Any) -> str:
    """A value as a message shows it."""
    return "nothing" if value is None else repr(value)[:60]
