"""The shapes that every part of the REST API shares."""

from ninja import Field, Schema


class Error(Schema):
    """`code` is stable, for programs; `message` says what is wrong, where, and the fix."""

    code: str = Field(description="A stable word, for programs.")
    message: str = Field(description="What is wrong, where, and the fix, for people.")


class ErrorAnswer(Schema):
    """The body of every answer from 400 up."""

    error: Error = Field(description="The one thing that is wrong.")


def error_body(code: str, message: str) -> dict[str, dict[str, str]]:
    """An ErrorAnswer as plain data."""
    return {"error": {"code": code, "message": message}}
