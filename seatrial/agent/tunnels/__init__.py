"""Tunnels into previews on this host: commands in their containers, and connections to their ports. `docs/hands-on.md` tells it to people.

`answering`: opens what the control plane asks for. `carrying`: one tunnel, from its beginning to its end. `commands` and `connections`: what
is at its far end. `leftovers`: ends what a command left running. The protocol is in `seatrial.wire.tunnels`.
"""
