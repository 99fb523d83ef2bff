"""The meaning of the engine's errors. Its error texts are interpreted nowhere else."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import aiodocker
import aiohttp

from seatrial.agent.vocabulary.errors import EngineRefused, Refusal, RuntimeUnavailable

_CONNECTION_FAILED = 900  # aiodocker's own status for "cannot connect"
_NOBODY_BEHIND = {502, 503, 504}  # a proxy's words for an engine that does not answer
Words = Sequence[tuple[Refusal, re.Pattern[str]]]


def _words(*table: tuple[Refusal, str]) -> Words:
    return [(refusal, re.compile(words, re.IGNORECASE)) for refusal, words in table]


# The first match wins.
ENGINES = _words(
    (Refusal.ALREADY_JOINED, "already exists in network"),
    # The second is the engine's message for an image that another removal is deleting at this moment.
    (Refusal.BEING_REMOVED, "already in progress|unrecognized image ID"),
    (Refusal.NETWORK_GONE, r"network \S+ not found"),
    (Refusal.NO_SUBNET, "available, non-overlapping IPv4 address pool"),
    (Refusal.NO_IMAGE, "no such image"),
    (Refusal.NO_SPACE, "no space left"),
    (Refusal.NO_OWN_NETWORK, "root network namespace"),
    # A kernel setting that does not exist: the words are those of a missing program.
    (Refusal.OTHER, r"/proc/sys/"),
    (Refusal.NO_INIT, 'exec: "docker-init"'),
    (Refusal.NO_LIMIT, "error setting rlimit"),
    (Refusal.NOT_EXECUTABLE, "exec: .*: permission denied"),
    (Refusal.NO_PROGRAM, "executable file not found|no such file or directory"),
    (Refusal.NOT_FROZEN, "unable to freeze"),
    (Refusal.NOT_BEGUN, "OCI runtime"),
)
_PASSED_ON = re.compile(
    r"^(?:failed to create (?:shim )?task(?: for container)?: )?OCI runtime (?:create|start) failed: (?:run\w+ (?:create|start) failed: )?"
    r"(?:unable to start container process: )?(?:error during container init: )?"
)


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Raise RuntimeUnavailable for an engine at `url` that does not answer, EngineRefused for one that rejects the request."""
    try:
        yield
    except aiodocker.DockerError as error:
        if error.status == _CONNECTION_FAILED:
            raise _away(url, error.message) from error
        raise failed(url, error.status, str(error.message)) from error
    except (TimeoutError, aiohttp.ClientError, ConnectionError, FileNotFoundError) as error:
        raise _away(url, str(error) or type(error).__name__) from error


def failed(url: str, status: int, message: str) -> EngineRefused | RuntimeUnavailable:
    """The error for the answer of the engine at `url`, or of the proxy in front of it."""
    return _away(url, f"status {status}") if status in _NOBODY_BEHIND else refused(status, message)


def refused(status: int, message: str) -> EngineRefused:
    """The error for an answer. `status` is HTTP's; 0 if the engine failed in the middle of a response."""
    text = message
    with suppress(ValueError, TypeError, AttributeError):  # the message may be wrapped in JSON
        text = str(json.loads(message).get("message", message))
    refusal = next((refusal for refusal, pattern in ENGINES if pattern.search(text)), Refusal.OTHER)
    return EngineRefused(_decisive(text), status=status, refusal=refusal)


def _decisive(text: str) -> str:
    """What went wrong, without the parts of the engine through which the news came."""
    return _PASSED_ON.sub("", text).removesuffix(": unknown")


def _away(url: str, why: str) -> RuntimeUnavailable:
    return RuntimeUnavailable(
        f"the container engine at {url} does not answer ({why[:200]}). Start it, or set DOCKER_HOST"
    )
