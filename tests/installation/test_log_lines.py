import io
import json
import logging
import logging.config

import pytest
import structlog

from seatrial.control.log_lines import logging_configuration

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
