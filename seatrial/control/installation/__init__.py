"""The installation as a whole: its first data, and whether it is healthy."""
