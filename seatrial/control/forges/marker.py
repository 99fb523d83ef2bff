"""The mark by which we know a comment of ours below a pull request. Readers do not see it."""

MARKER = "<!-- seatrial:pull-request -->"


def marker(mark: str) -> str:
    """The mark as it stands in a comment's text."""
    return f"<!-- seatrial:{mark} -->"


def marked(body: str, mark: str = "pull-request") -> str:
    """`body` with the mark."""
    return f"{body.rstrip()}\n\n{marker(mark)}\n"


def is_ours(body: str) -> bool:
    """Whether the text has a mark of ours. Anybody may copy one: it only keeps a comment from being obeyed."""
    return "<!-- seatrial:" in body
