"""Template tags of scores."""
