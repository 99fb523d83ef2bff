"""What Seatrial costs, beside its floor, measured in one run."""
