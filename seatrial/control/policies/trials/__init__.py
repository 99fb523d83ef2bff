"""Policies are tried before they count: on their own tests, on one commit, and on many commits of the past (a replay)."""
