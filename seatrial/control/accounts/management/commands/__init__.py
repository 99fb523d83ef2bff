"""`add_person`."""
