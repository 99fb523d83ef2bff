"""A forge made of a repository directory: its branches are its pull requests."""
