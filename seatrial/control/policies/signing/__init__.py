"""Signed results: the key of this installation, and the statement about an evaluation that it signs."""
