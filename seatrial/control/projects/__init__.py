"""Repositories under trial, and their pull requests as the forge last reported them."""
