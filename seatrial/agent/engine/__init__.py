"""Docker's API, all of it: typed calls, and one translation of its errors into ours. Only this room knows aiodocker."""
