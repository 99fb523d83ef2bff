"""What to build and start, read from galley.yml, a compose file or a Dockerfile of the commit."""
