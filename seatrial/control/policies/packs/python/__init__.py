"""Python.

Projects in Python: a version that is said and still supported, metadata, a linter, types, and nothing left from debugging.
"""
