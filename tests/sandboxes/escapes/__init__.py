"""The escape suite: hostile policies, as tables of what each tries and how it must end. `test_escapes.py` runs them."""
