"""The mark by which we know our own comment below a pull request. Readers do not see it."""

MARKER = "<!-- seatrial:pull-request -->"


def marked(body: str) -> str:
    """`body` with the mark."""
    return f"{body.rstrip()}\n\n{MARKER}\n"
