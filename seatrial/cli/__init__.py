"""The `seatrial` command: a thin layer over the REST API and the embedded supervisor."""
