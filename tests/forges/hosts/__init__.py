"""Code hosts that behave like the real ones, as far as we speak to them: for tests, and for people to try Seatrial on."""
