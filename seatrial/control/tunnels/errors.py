"""Errors of tunnels.

TunnelError
├── NoTunnel      it cannot be opened now, or not at all
└── InvalidWish   the first message does not say what is wanted
"""

from seatrial.control.errors import ControlError


class TunnelError(ControlError):
    """Any of them."""

    code = "tunnel_error"


class NoTunnel(TunnelError):
    """It cannot be opened now, or not at all."""

    code = "no_tunnel"
    status = 409


class InvalidWish(TunnelError):
    """The first message does not say what is wanted."""

    code = "invalid"
    status = 422
