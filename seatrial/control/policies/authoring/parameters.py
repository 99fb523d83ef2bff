"""The parameters of a policy: which there are, what people may set them to, and what they read as in a form."""

import difflib
import json
from collections.abc import Mapping
from typing import Any

from seatrial.control.policies import packs
from seatrial.control.policies.errors import BadParameters
from seatrial.control.policies.models import PolicyVersion

MOST_VALUE = 20_000  # characters of all values together, as JSON
NUMBER = (int, float)


def defaults_of(version: PolicyVersion) -> dict[str, Any]:
    """What the version's own code says."""
    return packs.stored(version).params


def carried(version: PolicyVersion, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """`defaults` of newer code, with what people set in `version`, as far as the newer code still has it and can take it."""
    kept = {
        key: value
        for key, value in packs.changed(version).items()
        if key in defaults and fits(defaults[key], value)
    }
    return {**defaults, **kept}


def checked(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters, with what is `given` in place of the defaults. Raises BadParameters."""
    for key, value in given.items():
        if key not in defaults:
            near = difflib.get_close_matches(key, list(defaults), n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; it has {', '.join(defaults) or 'none'}"
            raise BadParameters(f"the policy has no parameter {key}{hint}")
        if not fits(defaults[key], value):
            raise BadParameters(f"{key} is {kind_of(defaults[key])}, such as {json.dumps(defaults[key])}")
    try:
        size = len(json.dumps(dict(given), allow_nan=False))
    except ValueError as error:
        raise BadParameters("a number must be finite") from error
    if size > MOST_VALUE:
        raise BadParameters(f"the values have {size:,} characters together; {MOST_VALUE:,} are possible")
    return {**defaults, **given}


def fits(default: Any, value: Any) -> bool:
    """Whether `value` is of the kind of `default`. A default of None says nothing about the kind."""
    if default is None:
        return True
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, float):
        return isinstance(value, NUMBER)
    if is_texts(default) and isinstance(value, list | tuple):
        return all(isinstance(one, str) for one in value)
    if isinstance(default, list | tuple):
        return isinstance(value, list | tuple)
    return isinstance(value, type(default))


def is_texts(value: Any) -> bool:
    """Whether it is a list with nothing but texts."""
    return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)


def kind_of(default: Any) -> str:
    """What a value has to be, for people."""
    if isinstance(default, bool):
        return "true or false"
    if isinstance(default, int):
        return "a whole number"
    if isinstance(default, float):
        return "a number"
    if isinstance(default, str):
        return "a text"
    if isinstance(default, list | tuple):
        return "a list of texts" if is_texts(default) else "a list"
    return "a dictionary" if isinstance(default, dict) else "any value"
