"""Signed statements: DSSE envelopes with an Ed25519 signature, made by the control plane and checked by anybody."""
