"""Who did what: an append-only log, enforced by the database."""
