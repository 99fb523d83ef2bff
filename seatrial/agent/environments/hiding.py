"""Values of a project's variables stay out of messages, which go on to forges and into logs."""

from collections.abc import Iterator, Mapping

LEAST_CHARACTERS = 6  # shorter values, such as `true` or `8080`, are words of any message


def hidden(text: str, variables: Mapping[str, str]) -> str:
    """`text` with the name of each variable in the place of its value. Of a value of several lines, each is hidden."""
    for value, name in sorted(_values(variables), key=lambda pair: -len(pair[0])):
        text = text.replace(value, f"${{{name}}}")
    return text


def _values(variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in variables.items():
        yield from (
            (line.strip(), name) for line in value.splitlines() if len(line.strip()) >= LEAST_CHARACTERS
        )
