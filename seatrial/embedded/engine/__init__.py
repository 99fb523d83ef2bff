"""The container engine of this machine: detected and, if missing, installed. Standard library only.

`scripts/engine` runs this before anything else is installed, so only the standard library may be imported here.
"""
