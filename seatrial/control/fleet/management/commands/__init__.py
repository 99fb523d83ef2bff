"""`agent_token`."""
