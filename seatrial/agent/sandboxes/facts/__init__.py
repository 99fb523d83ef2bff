"""Facts: what tools that were made for their field say of a commit, for policies to judge.

A tool runs once for a commit, in a sandbox of its own without network, token or policy (`running`), on files that come from git's
objects (`inputs`). What it says is put into one shape (`tools`, a module for each), and shared by all who ask (`gathering`).
"""
