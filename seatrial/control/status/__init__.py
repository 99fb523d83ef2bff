"""The whole platform at a glance: what `seatrial status` prints."""
