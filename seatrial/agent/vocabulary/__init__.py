"""What every room of the agent speaks of: shapes, labels, errors, and the few habits that all of them share."""
