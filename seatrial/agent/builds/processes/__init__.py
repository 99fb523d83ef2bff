"""Images for bare processes: folders and records instead of layers, for trying out only."""
