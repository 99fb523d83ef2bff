"""The installation as a whole: its first data, and its health check."""
