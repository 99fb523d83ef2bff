"""The installation as a whole: what must hold before a process starts, and the first data."""
