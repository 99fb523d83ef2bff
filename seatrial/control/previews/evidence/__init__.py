"""Evidence: what services of a deployment look like, how that differs from before, and two deployments beside each other."""
