"""Docker.

Images and compose files: which user runs, what gets in, whether files that are copied exist, and which rights containers have.
"""
