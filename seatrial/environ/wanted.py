"""What the fields of our settings say about themselves, beside type and description."""

from collections.abc import Iterator
from dataclasses import dataclass

from annotated_types import Ge, GroupedMetadata, Le
from pydantic.fields import FieldInfo


@dataclass
class Wanted:
    """What a variable may hold, for the sentence that refuses something else and for the reference."""

    what: str  # "a port, 1 to 65535"
    like: str  # "3000"; empty: the field's default

    def refusal(self, default: object = "") -> str:
        """What is said about anything else."""
        return f"not {self.what}. Write it like {self.like or default}"


class Between(Wanted, GroupedMetadata):
    """A number in a range, both ends included; neither infinite nor none."""

    def __init__(self, least: float, most: float, what: str, *, like: str = "") -> None:
        super().__init__(f"{what}, {_typed(least)} to {_typed(most)}", like)
        self._range = (Ge(least), Le(most))

    def __iter__(self) -> Iterator[Ge | Le]:  # what pydantic asks
        return iter(self._range)


def _typed(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)


class Verbatim:
    """Marks a secret that another program reads from the same variable: no character of it may be left out."""


def wanted(field: FieldInfo) -> Wanted | None:
    """What the field says that it may hold."""
    return next((one for one in field.metadata if isinstance(one, Wanted)), None)


def is_verbatim(field: FieldInfo) -> bool:
    """Whether the text counts as it is, quotes and spaces included."""
    return any(isinstance(one, Verbatim) for one in field.metadata)
