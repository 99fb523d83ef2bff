"""The components of the platform: how each is configured, started and checked for readiness."""
