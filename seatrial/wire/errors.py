"""Errors raised while reading messages from the bus.

WireError
├── MalformedMessage   not JSON, not an envelope, or a payload that fails its schema
├── UnknownKind        a kind this release does not know (a newer peer): skip, never crash
├── UnsupportedVersion a version of a known kind newer than this release reads
└── TunnelLost         the other side of a tunnel is silent, or a frame is missing or wrong
"""


class WireError(Exception):
    """A message on the bus cannot be understood. Never retried: the same bytes fail again."""


class MalformedMessage(WireError):
    """Not JSON, not an envelope, or a payload that fails its schema."""


class UnknownKind(WireError):
    """A kind this release does not know."""


class UnsupportedVersion(WireError):
    """A known kind in a version newer than this release reads."""


class TunnelLost(WireError):
    """The other side of a tunnel is silent, or a frame is missing or wrong. The tunnel is over; its text is the end of a sentence."""
