"""Tunnels into previews: commands in their services, and connections to their ports. `docs/hands-on.md` tells it to people.

`ahead`: takes the WebSockets. `granting`: who may open which one, and its entries in the audit log. `relaying`: from the WebSocket to the bus
and back. Nothing is stored: a tunnel lives as long as its WebSocket. The protocol on the bus is in `seatrial.wire.tunnels`; the WebSocket
carries the same frames without their numbers, after a first message that says what is wanted (`granting.Wish`).
"""
