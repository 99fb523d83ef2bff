"""Warnings of a deployment that nobody needs to act on."""

HOST_PORT_IGNORED = "the host's side is ignored: previews answer at their own host name"
_QUIET = (HOST_PORT_IGNORED,)


def is_remark(warning: str) -> bool:
    """Whether `warning` only tells how previews are: it is a note beside those that something may be wrong because of."""
    return warning.endswith(_QUIET)
