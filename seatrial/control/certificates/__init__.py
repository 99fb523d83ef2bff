"""The certificates that the ingress serves: looked at as a visitor sees them, and said in words."""
