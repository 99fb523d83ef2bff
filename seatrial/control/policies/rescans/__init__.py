"""Re-scans: policies run again where nothing was pushed, because time has passed or a policy was changed."""
