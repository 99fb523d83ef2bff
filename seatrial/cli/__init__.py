"""The `seatrial` command. Thin: talks to the REST API and to the embedded supervisor."""
