"""Git.

What git keeps for ever, and what a change brings: messages, signatures, size; conflict markers, files in the wrong store, submodules that nobody can fetch, lines that end in two ways.
"""
