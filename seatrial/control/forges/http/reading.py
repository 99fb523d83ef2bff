"""Reads a forge's answers into lenient models of our own."""

from typing import Any, TypeVar

import httpx
import pydantic

from seatrial.control.forges.errors import ForgeError

M = TypeVar("M", bound=pydantic.BaseModel)


def read(model: type[M], response: httpx.Response) -> M:
    """The JSON of an answer as `model`. Raises ForgeError."""
    return validated(model, content_of(response), response)


def content_of(response: httpx.Response) -> Any:
    """The JSON of an answer. Raises ForgeError."""
    try:
        return response.json()
    except ValueError as error:
        raise ForgeError(f"{response.url.path} at {response.url.host} is not JSON") from error


def validated(model: type[M], content: Any, response: httpx.Response) -> M:
    """A part of the JSON of `response` as `model`. Raises ForgeError that names the field which does not fit."""
    try:
        return model.model_validate(content)
    except pydantic.ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ForgeError(f"{response.url.path} at {response.url.host}: {where}: {first['msg']}") from error
