"""Django commands about the audit log."""
