"""Repositories under trial, and their pull requests as the forge last told them."""
