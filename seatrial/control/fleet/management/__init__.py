"""Django commands about people."""
