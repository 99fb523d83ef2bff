"""Reports every ten seconds that the agent is alive, and its load."""
