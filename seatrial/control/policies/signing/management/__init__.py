"""Django commands about signing."""
