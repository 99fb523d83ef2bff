"""Git: one bare cache per repository, and trees read from it. Never trusts a checked-out file."""
