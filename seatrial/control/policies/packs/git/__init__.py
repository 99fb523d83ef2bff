"""Git.

What git keeps for ever: conflict markers, files in the wrong store, submodules that nobody can fetch, lines that end in two ways.
"""
