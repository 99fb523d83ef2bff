"""Policies that are kept in a git repository: where, what was taken of it, and what is wrong there."""
