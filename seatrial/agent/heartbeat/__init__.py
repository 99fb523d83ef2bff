"""Every ten seconds: alive, and how loaded."""
