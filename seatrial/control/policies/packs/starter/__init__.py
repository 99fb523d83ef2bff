"""Starter.

What nearly every repository should have, whatever it is written in. A new workspace is given these policies.
"""
