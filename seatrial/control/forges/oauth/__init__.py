"""Connections by OAuth: somebody authorizes this server at a code host, and a connection acts as them."""
