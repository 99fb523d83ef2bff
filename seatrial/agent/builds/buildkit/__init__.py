"""Builds with BuildKit: the engine's own, or a daemon of its own. buildx is the client; the daemon runs the steps."""
