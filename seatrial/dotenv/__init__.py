"""The `.env` of an install with Compose: which variables it has, how they are made and checked, how the file is written."""
