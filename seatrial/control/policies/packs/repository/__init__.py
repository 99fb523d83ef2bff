"""Repository.

What makes a repository easy to work in together: owners, a guide for contributors, templates, editor settings, names that every file system can hold.
"""
