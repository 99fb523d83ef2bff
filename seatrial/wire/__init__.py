"""What control plane and agents say to each other. pydantic only; owns no behaviour but validation.

Importing a module of it imports no other: who only needs its words, as the command line does, starts in half the time.
"""
