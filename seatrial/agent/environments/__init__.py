"""Desired state in, observed state out: converges the host to what the control plane wants."""
