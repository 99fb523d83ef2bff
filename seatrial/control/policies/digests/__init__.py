"""The weekly digest of a workspace: what changed in the verdicts of its default branches."""
