"""Agents: bootstrap, identity on the bus, heartbeat, placement."""
