import asyncio
import io
import json
import logging
import logging.config

import httpx
import pytest
import structlog

from seatrial.control.log_lines import about, logging_configuration

TOKEN = "sea_abcdefghijklmnopqrstuvwxyz0123456789"


@pytest.fixture
def lines():
    """A logger of our own beside the running configuration, and what it wrote."""
    configuration = logging_configuration("INFO", "json")
    formatter = configuration["formatters"]["lines"] | {}
    factory = formatter.pop("()")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(factory(**formatter))
    logger = logging.getLogger("tests.log_lines")
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel("INFO")
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logger.handlers, logger.propagate = [], True


def test_secrets_are_blanked_by_name_and_by_look(lines) -> None:
    log = structlog.get_logger("tests.log_lines")
    log.info("signed in", password="p", api_token="t", Authorization="x", number=7)
    log.info(f"called with {TOKEN}", url="https://ann:pw@example.test/x")
    logging.getLogger("tests.log_lines").warning("Authorization: Bearer %s", TOKEN)
    first, second, third = lines()
    assert (first["password"], first["api_token"], first["Authorization"]) == ("[redacted]",) * 3
    assert (first["number"], first["event"], first["level"]) == (7, "signed in", "info")
    assert second["event"] == "called with [redacted]"
    assert second["url"] == "https://[redacted]@example.test/x"
    assert TOKEN not in json.dumps(third) and third["level"] == "warning"


def test_a_secret_within_an_exception_is_blanked(lines) -> None:
    try:
        raise RuntimeError(f"refused: {TOKEN}")
    except RuntimeError:
        structlog.get_logger("tests.log_lines").exception("failed")
    (line,) = lines()
    assert "RuntimeError" in line["exception"] and TOKEN not in line["exception"]


def test_lines_say_what_they_are_about_while_it_is_done(lines) -> None:
    log = structlog.get_logger("tests.log_lines")
    with about({"deployment": "D", "environment": "E", "project": None, "token": "t"}):
        log.info("built")
    log.info("rests")
    built, rests = lines()
    assert (built["deployment"], built["environment"]) == ("D", "E")
    assert not {"project", "token"} & built.keys() and "deployment" not in rests


async def ask(monkeypatch: pytest.MonkeyPatch, identity: str) -> str:
    """The id in the answer to a request; the application writes one line."""
    from seatrial.control import asgi

    async def answer(scope, receive, send) -> None:
        structlog.get_logger("tests.log_lines").info("asked")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    monkeypatch.setattr(asgi.application, "app", answer)
    transport = httpx.ASGITransport(asgi.application)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        answered = await asyncio.create_task(client.get("/", headers={"X-Request-ID": identity}))
    return answered.headers["X-Request-ID"]


@pytest.mark.django_db(transaction=True)  # it is looked at when the application is made
@pytest.mark.postgres
async def test_a_request_has_the_id_of_the_proxy_or_one_of_ours_in_its_lines_and_its_answer(
    lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = "0af7651916cd43dd8448eb211c80319c"
    assert await ask(monkeypatch, told) == told
    ours = await ask(monkeypatch, "x\u001b[31m".encode().decode("latin-1"))
    assert len(ours) == 32 and ours != told
    assert [line["request"] for line in lines()] == [told, ours]
    structlog.get_logger("tests.log_lines").info("nobody asked")
    assert "request" not in lines()[-1]
