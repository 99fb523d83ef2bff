"""What the platform is made of: how each part is configured, started and known to be ready."""
