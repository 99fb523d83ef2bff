"""Template tags about policies."""
