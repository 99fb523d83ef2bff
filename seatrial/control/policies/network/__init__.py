"""The network for policies: whether a workspace permits it to those that ask for it."""
