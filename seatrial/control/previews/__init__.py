"""Environments and their deployments: desired state, and what was observed of it."""
