"""GitLab carries out what a comment says on lines such as `/merge`, with the rights of whoever wrote it: ours."""

import re

NOTHING = "\u200b"  # a space without width
_ORDER = re.compile(r"^(\s*)/", re.MULTILINE)


def without_orders(text: str) -> str:
    """`text`, which strangers have a part in, so that GitLab finds no order in it. It looks the same."""
    return _ORDER.sub(rf"\1{NOTHING}/", text)
