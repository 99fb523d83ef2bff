"""The whole embedded platform, driven as its users drive it: through `seatrial` and a browser's HTTP."""
