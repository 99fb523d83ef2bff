"""The container engine of this machine: asked, and where there is none, installed. Standard library only.

`scripts/engine` runs this before anything else is installed, so nothing here may import what is not in Python.
"""
