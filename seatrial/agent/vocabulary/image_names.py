"""What an engine and its registries take for the name of an image."""

import re

_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_NAME = re.compile(
    rf"(?:{_HOST}(?:\.{_HOST})*(?::\d+)?/)?{_PART}(?:/{_PART})*(?::\w[\w.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?",
    re.ASCII,
)
EXAMPLE = "registry.example.com/python:3.12"
LIKE = "Write it like python:3.12-slim"


def is_image_name(text: str) -> bool:
    """Whether `text` may name an image, wherever that is."""
    return _NAME.fullmatch(text) is not None


def in_place(pairs: str) -> dict[str, str]:
    """{image: what is taken in its place}, of `python:3.12=registry.example.com/python:3.12,...`. Raises ValueError."""
    found: dict[str, str] = {}
    for number, pair in enumerate(filter(None, (one.strip() for one in pairs.split(","))), start=1):
        image, _, place = (part.strip() for part in pair.partition("="))
        if not (is_image_name(image) and is_image_name(place)):
            raise ValueError(f"pair {number} is not image=image. Write it like python:3.12={EXAMPLE}")
        if image in found:
            raise ValueError(f"pair {number} is for the same image as one before it. Write one for each")
        found[image] = place
    return found
