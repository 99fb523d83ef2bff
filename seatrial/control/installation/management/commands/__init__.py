"""`bootstrap`."""
