"""How log lines look: JSON for machines, colours on a terminal, and never a secret."""

import re
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from logging import LogRecord
from typing import Any

from seatrial.lasting import without
from seatrial.wire.visible import visible_values

with without("rich"):  # for tracebacks in colours
    import structlog
    from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED = "[redacted]"
# What lines can be about, by the names that messages and orders have for the id.
ABOUT = ("delivery", "project", "environment", "deployment", "evaluation")
_SECRET_NAME = re.compile(
    r"password|passwd|secret|token|authorization|cookie|signature|credential|api_?key", re.I
)
_SECRET_TEXT = re.compile(r"\bsea_[A-Za-z0-9_-]{20,}|\bBearer\s+\S+|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)")


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Redact values whose name sounds secret, and texts that look like one of our tokens or a URL's password."""
    return {name: REDACTED if _SECRET_NAME.search(name) else _without_secrets(v) for name, v in event.items()}


def about(values: Mapping[str, object]) -> AbstractContextManager[None]:
    """Inside, each line of this task or thread has the ids that are among `values`, so that a deployment can be followed."""
    told = {name: values[name] for name in ABOUT if values.get(name)}
    return structlog.contextvars.bound_contextvars(**told)


def logging_configuration(level: str, style: str) -> dict[str, Any]:
    """Configure structlog and return the `logging.config` dictionary: one handler, on standard error."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
        visible_values,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    console = style == "console" or (style == "auto" and sys.stderr.isatty())
    renderer = structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            }
        },
        "filters": {
            "logged once": {"()": "django.utils.log.CallbackFilter", "callback": is_not_logged_elsewhere},
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": level.upper()},
        "loggers": {
            # httpx logs every request at INFO: with one announcement a second that is noise.
            "httpx": {"level": "WARNING"},
            "httpcore": {"level": "WARNING"},
            # Answered with 400; anybody can send one, and each would be a traceback.
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            # Anybody can send an id that is none; the request gets another one.
            "asgi_correlation_id": {"level": "ERROR"},
            "django.request": {"filters": ["logged once"]},
        },
    }


def is_not_logged_elsewhere(record: LogRecord) -> bool:
    """False for Django's own line about an unexpected error, because `error_pages` logs that with a reference."""
    return record.exc_info is None or getattr(record, "status_code", 0) != 500


def _without_secrets(value: Any) -> Any:
    return _SECRET_TEXT.sub(REDACTED, value) if isinstance(value, str) else value
