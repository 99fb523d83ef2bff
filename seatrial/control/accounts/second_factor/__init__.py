"""Passkeys, authenticator apps and recovery codes, by allauth, and when one is required."""
