"""Template tags about policies that are kept in git."""
