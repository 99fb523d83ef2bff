"""Measures the time and memory that Seatrial takes, and compares them with the least possible (the floor) in the same run."""
