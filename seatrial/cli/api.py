"""The platform's REST interface, as this user."""

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import httpx

from seatrial.cli.errors import CommandError
from seatrial.embedded import locking
from seatrial.embedded.components.base import NO_AUTHORITIES
from seatrial.embedded.errors import CannotRun
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.remembered import Remembered, read
from seatrial.embedded.typed import typed

Json = dict[str, Any]
AWAY = "platform_away"
SILENT_SECONDS = 60.0  # a stream of lines shows more often that it goes on


class Api:
    """The REST API of one platform. Every failure is a CommandError that says what to do."""

    def __init__(self, data: DataDirectory, remembered: Remembered) -> None:
        self.remembered = remembered
        self._client = httpx.Client(
            base_url=f"{remembered.api_url}/api/v1",
            headers={"Authorization": f"Bearer {_token(data)}"},
            timeout=30,
            trust_env=False,
            verify=NO_AUTHORITIES,
        )

    @property
    def websocket(self) -> tuple[str, Mapping[str, str]]:
        """Where WebSockets are, and the headers that they take."""
        base = self.remembered.api_url.replace("http", "ws", 1)
        return f"{base}/api/v1", {"Authorization": self._client.headers["Authorization"]}

    def get(self, path: str, **query: object) -> Any:
        """The parsed answer to a GET."""
        given = {name: str(value) for name, value in query.items() if value is not None}
        params = {name: value.encode(errors="replace").decode() for name, value in given.items()}
        return self._call("GET", path, params=params)

    def get_file(self, path: str, **query: object) -> bytes:
        """What a GET answers, as it is."""
        params = {name: str(value) for name, value in query.items()}
        return self._answer("GET", path, params=params).content

    def pieces(self, path: str, **query: object) -> Iterator[bytes]:
        """What a GET answers, piece by piece, however long it is."""
        params = {name: str(value) for name, value in query.items() if value not in (None, "")}
        try:
            with self._client.stream("GET", path, params=params, timeout=SILENT_SECONDS) as answer:
                if not answer.is_success:
                    answer.read()
                    self._refuse(answer)
                yield from answer.iter_bytes()
        except httpx.TransportError as error:
            raise self._away() from error

    def records(self, path: str, **query: object) -> Iterator[Json]:
        """What a GET answers line by line, for as long as it goes on: JSON objects. Lines without one only show that it does."""
        params = {name: str(value) for name, value in query.items() if value not in (None, "")}
        try:
            with self._client.stream("GET", path, params=params, timeout=SILENT_SECONDS) as answer:
                if not answer.is_success:
                    answer.read()
                    self._refuse(answer)
                for line in answer.iter_lines():
                    if line:
                        yield json.loads(line)
        except httpx.TransportError as error:
            raise self._away() from error

    def post(self, path: str, body: Mapping[str, object] | None = None) -> Any:
        """The parsed answer to a POST, which is never retried."""
        return self._call("POST", path, **_as_json(body or {}))

    def put(self, path: str, body: Mapping[str, object]) -> Any:
        """The parsed answer to a PUT, which is never retried."""
        return self._call("PUT", path, **_as_json(body))

    def patch(self, path: str, body: Mapping[str, object]) -> Any:
        """The parsed answer to a PATCH, which is never retried."""
        return self._call("PATCH", path, **_as_json(body))

    def delete(self, path: str, **query: object) -> Any:
        """The parsed answer to a DELETE, which is never retried."""
        return self._call("DELETE", path, params={name: str(value) for name, value in query.items()})

    def _call(self, method: str, path: str, **more: Any) -> Any:
        answer = self._answer(method, path, **more)
        return answer.json() if answer.content else {}

    def _answer(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, path, **more)
        except httpx.TransportError as error:
            raise self._away() from error
        if not answer.is_success:
            self._refuse(answer)
        return answer

    def _away(self) -> "PlatformAway":
        said = f"seatrial does not answer at {self.remembered.api_url}."
        return PlatformAway(said, fix=f"Look: {typed('doctor')}", word=AWAY)

    def _refuse(self, answer: httpx.Response) -> NoReturn:
        if answer.status_code in {502, 503, 504}:
            message, look = f"seatrial is not ready: {message_of(answer)}", f"Look: {typed('doctor')}"
            raise PlatformAway(message, fix=look, word=AWAY)
        kind = Conflict if answer.status_code == 409 else CommandError
        raise kind(message_of(answer), word=_word_of(answer))


def _as_json(body: Mapping[str, object]) -> dict[str, Any]:
    """In ASCII: what somebody typed may be no UTF-8, and the platform says so better than a codec."""
    return {"content": json.dumps(dict(body)), "headers": {"Content-Type": "application/json"}}


class PlatformAway(CommandError):
    """The platform does not answer now, but may answer in a moment (its supervisor restarts dead processes)."""


class Conflict(CommandError):
    """The request conflicts with the current state."""


def message_of(answer: httpx.Response) -> str:
    """The message of an error response, from any part of the platform."""
    if message := _error_in(answer).get("message"):
        return str(message)
    try:
        body = answer.json()
    except ValueError:
        return f"the platform answered {answer.status_code}"
    detail = body.get("detail") if isinstance(body, dict) else body
    return f"the platform answered {answer.status_code}: {detail}"


def refusal_of(status: int, body: bytes) -> CommandError:
    """What the REST interface refused outside of an ordinary call."""
    answer = httpx.Response(status, content=body)
    return CommandError(message_of(answer), word=_word_of(answer))


def _word_of(answer: httpx.Response) -> str:
    return str(_error_in(answer).get("code") or "command_failed")


def _error_in(answer: httpx.Response) -> Json:
    """The REST interface's own error, if that is what the response holds."""
    try:
        error = answer.json().get("error")
    except (ValueError, AttributeError):
        return {}
    return error if isinstance(error, dict) else {}


def connect(data: DataDirectory) -> Api:
    """The running platform. Raises CommandError if it does not run."""
    if data.root.exists() and not os.access(data.root, os.R_OK | os.X_OK):
        raise CommandError(
            f"the platform in {data.root} belongs to another user.",
            fix=f"Run this as that user, or start one of your own: SEATRIAL_DATA_DIR=/some/where {typed('up')}",
        )
    try:
        remembered = read(data.platform_file)
    except CannotRun as error:
        raise CommandError(str(error), fix=error.fix) from error
    if remembered is None or locking.running(data) is None:
        raise CommandError("seatrial is not running.", fix=f"Start it: {typed('up')}", word="not_running")
    return Api(data, remembered)


def _token(data: DataDirectory) -> str:
    try:
        return data.token.read_text().strip()
    except OSError as error:
        raise CommandError(
            "seatrial has not finished its first start.",
            fix=f"Wait for the `seatrial up` that is under way. If there is none: {typed('doctor')}",
        ) from error
