"""The shapes that every part of the REST API shares."""

from ninja import Schema


class Error(Schema):
    """`code` is stable, for programs; `message` says what is wrong, where, and the fix."""

    code: str
    message: str


class ErrorAnswer(Schema):
    """The body of every answer from 400 up."""

    error: Error


def error_body(code: str, message: str) -> dict[str, dict[str, str]]:
    """An ErrorAnswer as plain data."""
    return {"error": {"code": code, "message": message}}
