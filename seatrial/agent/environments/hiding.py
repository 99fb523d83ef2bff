"""Values of a project's variables stay out of messages, which go on to forges and into logs."""

import re
from collections.abc import Iterator, Mapping

from seatrial.agent.vocabulary.errors import AgentError, BuildError, ServiceExited, Unhealthy

LEAST_CHARACTERS = 6  # shorter values, such as `true` or `8080`, are words of any message
QUOTING = (BuildError, ServiceExited, Unhealthy)  # what their programs said is in their messages


def message_of(error: AgentError, variables: Mapping[str, str]) -> str:
    """Its text; where it quotes a program, without the values that this may have printed."""
    return hidden(str(error), variables) if isinstance(error, QUOTING) else str(error)


def hidden(text: str, variables: Mapping[str, str]) -> str:
    """`text` with the name of each variable in the place of its value. Of a value of several lines, each is hidden."""
    for value, name in sorted(_values(variables), key=lambda pair: -len(pair[0])):
        text = f"${{{name}}}".join(re.split(rf"(?<!\w){re.escape(value)}(?!\w)", text))
    return text


def _values(variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in variables.items():
        yield from (
            (line.strip(), name) for line in value.splitlines() if len(line.strip()) >= LEAST_CHARACTERS
        )
