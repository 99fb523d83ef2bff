"""The vocabulary shared by all rooms of the agent: data classes, labels, errors, and a few common practices."""
