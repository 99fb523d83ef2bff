"""Commands for whoever runs this server."""
