"""What an engine and its registries take for the name of an image."""

import re

_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_NAME = re.compile(
    rf"(?:{_HOST}(?:\.{_HOST})*(?::\d+)?/)?{_PART}(?:/{_PART})*(?::\w[\w.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?",
    re.ASCII,
)
LIKE = "Write it like python:3.12-slim"


def is_image_name(text: str) -> bool:
    """Whether `text` may name an image, wherever that is."""
    return _NAME.fullmatch(text) is not None
