"""The control plane: a Django project. Owns the database. Never touches Docker or a working tree."""
