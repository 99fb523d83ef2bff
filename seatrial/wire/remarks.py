"""Warnings of a deployment that nobody needs to act on."""

HOST_PORT_IGNORED = "the host's side is ignored: previews answer at their own host name"
_QUIET = (HOST_PORT_IGNORED,)


def is_remark(warning: str) -> bool:
    """Whether `warning` only describes how previews work: it is shown as a note, apart from warnings of something that may be wrong."""
    return warning.endswith(_QUIET)
