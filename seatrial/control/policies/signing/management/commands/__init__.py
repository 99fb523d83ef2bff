"""`rotate_signing_key`."""
