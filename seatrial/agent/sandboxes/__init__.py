"""Evaluations: warm, single-use gVisor sandboxes, and the host's side of their pipe."""
