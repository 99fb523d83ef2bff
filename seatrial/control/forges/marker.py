"""The mark by which we know a comment of ours below a pull request. Readers do not see it."""

MARKER = "<!-- seatrial:pull-request -->"


def marker(mark: str) -> str:
    """The mark as it stands in a comment's text."""
    return f"<!-- seatrial:{mark} -->"


def marked(body: str, mark: str = "pull-request") -> str:
    """`body` with the mark."""
    return f"{body.rstrip()}\n\n{marker(mark)}\n"
