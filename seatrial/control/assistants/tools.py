"""A tool for coding assistants, made from an operation of the REST API: the same checks, services, shapes and audit entries.

What is no operation of REST (`explaining`, `logs`, `writing`) is a function of the same form: it takes the request, and parameters
with descriptions, and returns one of REST's shapes.
"""

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import UnionType
from typing import Any, Union, get_args, get_origin
from urllib.parse import parse_qs, urlsplit

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponse
from ninja.responses import Status
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model

from seatrial.control.accounts.access import Scope
from seatrial.control.api import api
from seatrial.control.errors import ControlError
from seatrial.control.inputs import require_text
from seatrial.wire.visible import visible_text

MOST_ITEMS = 200  # of one list in an answer
MOST_CHARACTERS = 400_000  # of an answer
LINKS = {"request", "response"}


class Refused(ControlError):
    """What was asked is not done: a stable word, and what is wrong, where, and the fix."""

    code = "refused"

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True)
class Answer:
    """What a tool says: a document, safe to show, and what was left out of it."""

    document: dict[str, Any]
    left_out: list[str]


@dataclass(frozen=True)
class Tool:
    """One tool. `destroys` and `repeatable` are hints for whoever asks a person before it is called."""

    name: str
    description: str
    scope: Scope
    function: Callable[..., Any]
    arguments: type[BaseModel]
    answer: Any  # a type that pydantic can write
    destroys: bool
    repeatable: bool

    @property
    def reads(self) -> bool:
        """Whether it changes nothing."""
        return self.scope is Scope.READ

    @cached_property
    def input_schema(self) -> dict[str, Any]:
        """What it takes."""
        return self.arguments.model_json_schema()

    @cached_property
    def output_schema(self) -> dict[str, Any]:
        """What it says."""
        return self._adapter.json_schema(mode="serialization")

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.answer)

    async def call(self, request: HttpRequest, given: dict[str, Any]) -> Answer:
        """Do it for whoever sent `request`. Raises Refused."""
        try:
            require_text("arguments", given)
            values = self._sorted(self.arguments.model_validate(given))
            response = HttpResponse()
            if "response" in inspect.signature(self.function).parameters:
                values["response"] = response
            if iscoroutinefunction(self.function):
                said = await self.function(request, **values)
            else:
                said = await sync_to_async(self.function)(request, **values)
            return _safe(self._adapter.dump_python(self._whole(said, response), mode="json"))
        except ValidationError as error:
            raise Refused("invalid", _places(error)) from error
        except Refused:
            raise
        except Exception as error:  # whatever REST would say about it
            raise await sync_to_async(_as_rest_says)(request, error) from error

    def _whole(self, said: Any, response: HttpResponse) -> Any:
        if isinstance(said, Status):
            if said.status_code >= 400:
                error = said.value["error"]
                raise Refused(error["code"], error["message"])
            return said.value
        return self.answer(items=said, next_cursor=_next(response)) if isinstance(said, list) else said

    def _sorted(self, given: BaseModel) -> dict[str, Any]:
        """The function's parameters. Those of a body that was taken apart are put together again."""
        values: dict[str, Any] = {}
        for name, parameter in _parameters(self.function).items():
            body = _body(parameter)
            if body is None:
                values[name] = getattr(given, name)
            else:
                names = given.model_fields_set & body.model_fields.keys()
                values[name] = body.model_validate({one: getattr(given, one) for one in names})
        return values


def tool(
    scope: Scope,
    function: Callable[..., Any],
    description: str,
    *,
    name: str = "",
    destroys: bool = False,
    repeatable: bool = True,
) -> Tool:
    """The tool that calls `function`."""
    called = name or function.__name__
    return Tool(
        called,
        description,
        scope,
        function,
        _arguments(called, function),
        _answer(function),
        destroys,
        repeatable,
    )


def _parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    return {name: one for name, one in inspect.signature(function).parameters.items() if name not in LINKS}


def _body(parameter: inspect.Parameter) -> type[BaseModel] | None:
    kind = parameter.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _arguments(name: str, function: Callable[..., Any]) -> type[BaseModel]:
    """All parameters side by side, and no others: assistants write flat arguments better than nested ones."""
    fields: dict[str, Any] = {}
    for called, parameter in _parameters(function).items():
        body = _body(parameter)
        if body is not None:
            fields |= {key: (field.annotation, field) for key, field in body.model_fields.items()}
            continue
        kind, described = get_args(parameter.annotation)[:2]
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        fields[called] = (kind, Field(default, description=described.description))
    model: type[BaseModel] = create_model(
        f"{name}_arguments", __config__=ConfigDict(extra="forbid"), **fields
    )
    return model


def _answer(function: Callable[..., Any]) -> Any:
    """The shape of the answer: a list is a page of rows, and a REST status beside a shape is a refusal."""
    said = inspect.signature(function).return_annotation
    if get_origin(said) in (Union, UnionType):
        said = next(one for one in get_args(said) if get_origin(one) is not Status)
    if get_origin(said) is Status:
        return get_args(said)[0]
    if get_origin(said) is not list:
        return said
    row: Any = get_args(said)[0]
    return create_model(
        f"{row.__name__}Page",
        items=(list[row], Field(description="The rows.")),
        next_cursor=(str, Field(description="Pass it as `cursor` for the next page; empty at the end.")),
    )


def _next(response: HttpResponse) -> str:
    """The cursor of the next page, from the header that REST answers with (see `listing`)."""
    address = response.get("Link", "").partition(">")[0].removeprefix("<")
    return parse_qs(urlsplit(address).query).get("cursor", [""])[0]


def _safe(document: Any) -> Answer:
    """Raises Refused for what is too much, whatever is left out."""
    left_out: list[str] = []
    safe = _shown(document, "", left_out)
    if len(json.dumps(safe)) > MOST_CHARACTERS:
        fix = "Ask for less: a smaller limit, or one thing alone."
        raise Refused("too_large", f"The answer has more than {MOST_CHARACTERS:,} characters. {fix}")
    return Answer(safe, left_out)


def _shown(value: Any, where: str, left_out: list[str]) -> Any:
    """`value` with no character that a reader would obey, and with no endless lists."""
    if isinstance(value, str):
        return visible_text(value)
    if isinstance(value, dict):
        return {visible_text(key): _shown(one, f"{where}.{key}", left_out) for key, one in value.items()}
    if not isinstance(value, list):
        return value
    if len(value) > MOST_ITEMS:
        left_out.append(visible_text(f"{where.removeprefix('.')}: {len(value) - MOST_ITEMS} more"))
    return [_shown(one, f"{where}.{place}", left_out) for place, one in enumerate(value[:MOST_ITEMS])]


def _places(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, one['loc'])) or 'arguments'}: {one['msg']}" for one in problems[:5])


def _as_rest_says(request: HttpRequest, error: Exception) -> Refused:
    said = json.loads(api.on_exception(request, error).content)["error"]
    return Refused(said["code"], said["message"])
