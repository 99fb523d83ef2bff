"""Compose files: read by Compose itself, in a cell; what is allowed on a shared host is decided here."""
