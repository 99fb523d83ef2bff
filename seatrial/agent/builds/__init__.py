"""Images: built rootless without a daemon socket, pulled, or stood in for when no registry answers."""
