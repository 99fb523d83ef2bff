"""What can go wrong when somebody decides about variables.

VariableError
├── BadVariable     a name, value or tier that cannot be; nothing was saved
├── TooMuch         more variables, or longer ones, than previews can be given; nothing was saved
└── NoVariable      there is none of that name to reveal or unset
"""

from seatrial.control.errors import ControlError


class VariableError(ControlError):
    """It was not done."""

    code = "variable_error"
    status = 400


class BadVariable(VariableError):
    """`field`: name, value, tier or text."""

    code = "bad_variable"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class TooMuch(VariableError):
    """The bounds are in `variables.entries`."""

    code = "too_many_variables"


class NoVariable(VariableError):
    """No such variable is set."""

    code = "no_variable"
    status = 404
