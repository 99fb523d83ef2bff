"""Seatrial: every pull request gets a sea trial before it ships."""

__version__ = "0.1.0"
