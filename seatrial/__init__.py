"""Seatrial: every pull request gets a sea trial before it ships."""
