"""Settings as variables of the environment give them: how their texts are read, what each may be, what is said if one is not."""
