"""Secrets stay out of what leaves the host: log lines, messages, warnings. Their names stand in their places.

A value is also found as JSON, in addresses and in Base64, alone or amid other bytes. Of a value of several lines, each is masked.
"""

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from urllib.parse import quote, quote_plus

SHORTEST = 6  # characters; shorter ones, such as `true` or `8080`, are words of any text


class Masks:
    """Of every environment on this host, the secrets that its deployments were given: also earlier ones, which still run."""

    def __init__(self) -> None:
        self._forms: dict[str, dict[str, str]] = {}
        self._told: dict[str, set[str]] = {}

    def tell(self, environment: str, deployment: str, secrets: Mapping[str, str]) -> None:
        """From now on, mask these too."""
        new = {form: f"${{{name}}}" for name, value in secrets.items() for form in forms(value)}
        known = {**self._forms.get(environment, {}), **new}
        self._forms[environment] = dict(sorted(known.items(), key=lambda pair: -len(pair[0])))
        self._told.setdefault(environment, set()).add(deployment)

    def knows(self, environment: str, deployment: str) -> bool:
        """Whether it was told the secrets of the deployment."""
        return deployment in self._told.get(environment, ())

    def masked(self, environment: str, text: str, *, continued: bool = False) -> str:
        """`text` without secrets; `continued`: it may begin with the rest of one whose beginning is in the text before."""
        known = self._forms.get(environment, {})
        for form, name in known.items():
            if form in text:
                text = text.replace(form, name)
        return _without_rest(text, known) if continued else text

    def forget(self, environment: str) -> None:
        """Nothing of it is left on this host."""
        self._forms.pop(environment, None)
        self._told.pop(environment, None)


def forms(value: str) -> Iterator[str]:
    """Everything that is masked because of `value`."""
    for one in {value.strip(), *(line.strip() for line in value.splitlines())}:
        if len(one) < SHORTEST:
            continue
        yield one
        yield from {
            json.dumps(one)[1:-1],
            json.dumps(one, ensure_ascii=False)[1:-1],
            quote(one),
            quote(one, safe=""),
            quote_plus(one),
        } - {one}
        yield from _base64(one.encode(errors="replace"))


def _base64(value: bytes) -> Iterator[str]:
    """What of `value` every Base64 shows that has it in it: the letters that hold none of its neighbours."""
    for before in range(3):
        first, last = -(-before * 8 // 6), (before + len(value)) * 8 // 6
        padded = b"\0" * before + value + b"\0\0"
        for encode in (b64encode, urlsafe_b64encode):
            inner = encode(padded).decode()[first:last]
            if len(inner) >= SHORTEST:
                yield inner


def _without_rest(text: str, known: Mapping[str, str]) -> str:
    for form, name in known.items():
        for begin in range(1, len(form) - SHORTEST + 1):
            if text.startswith(form[begin:]):
                return name + text[len(form) - begin :]
    return text
