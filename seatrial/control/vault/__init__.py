"""Secrets at rest: envelope encryption under the master key, and the model field that uses it."""
