"""What is said about variables that are wrong: all of them at once, each by its name, and never with its value."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import ModelWrapValidatorHandler, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings

from seatrial.environ.reading import instead_of_the_environment
from seatrial.environ.wanted import wanted

Made = TypeVar("Made", bound=BaseSettings)
OWN = {"value_error", "setting"}  # kinds of errors whose message one of our checks has written


def problems(kind: type[BaseSettings], error: ValidationError) -> list[str]:
    """One line for each variable that is wrong: its name, the problem, the fix."""
    return [_line(kind, one) for one in error.errors(include_url=False, include_input=False)]


def refusals(kind: type[BaseSettings], variables: Mapping[str, str]) -> list[str]:
    """What a program would say if it were started with these variables; empty if it would take them all."""
    with instead_of_the_environment(variables):
        try:
            kind()
        except ValidationError as error:
            return problems(kind, error)
        except OSError as error:
            return [f"A setting that ends in _FILE names a file that cannot be read: {error}"]
    return []


def _line(kind: type[BaseSettings], error: Any) -> str:
    name = str(error["loc"][0]).lower() if error["loc"] else "settings"
    said = str(error["msg"]).removeprefix("Value error, ")
    field = kind.model_fields.get(name)
    shape = wanted(field) if field is not None else None
    if field is not None and shape is not None and error["type"] not in OWN:
        said = shape.refusal(field.default)
    return f"{name.upper()}: {said}"


def together(data: Any, handler: ModelWrapValidatorHandler[Made], found: Iterable[tuple[str, str]]) -> Made:
    """Validate; then refuse what is wrong by itself and what is wrong between fields (`found`) in one error."""
    lines = [
        InitErrorDetails(
            type=PydanticCustomError("setting", "{said}", {"said": said}), loc=(name,), input=None
        )
        for name, said in found
    ]
    try:
        made = handler(data)
    except ValidationError as error:
        lines = [*map(_again, error.errors(include_url=False)), *lines]
        raise ValidationError.from_exception_data(error.title, lines, hide_input=True) from None
    if lines:
        raise ValidationError.from_exception_data(type(made).__name__, lines, hide_input=True)
    return made


def _again(error: Any) -> InitErrorDetails:
    said = str(error["msg"]).removeprefix("Value error, ")
    kind = "setting" if error["type"] in OWN else error["type"]
    problem = PydanticCustomError(kind, "{said}", {"said": said})
    return InitErrorDetails(type=problem, loc=error["loc"], input=None)


def text_of(data: Any, name: str) -> str:
    """The text of one field in what is about to be validated; empty if there is none."""
    value = data.get(name) if isinstance(data, Mapping) else None
    if value is None:
        return ""
    return str(value.get_secret_value() if hasattr(value, "get_secret_value") else value)
