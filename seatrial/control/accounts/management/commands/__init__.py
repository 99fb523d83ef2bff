"""`add_person`, `invite`, `remove_second_factor`."""
