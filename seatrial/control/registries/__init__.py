"""Registry logins: what the previews of a project, or of a workspace, pull private images with.

An agent asks for one just before it pulls: see `worker.registries`, and ADR 90.
"""
