"""Notices: what a workspace has told to addresses elsewhere, such as that an evaluation has ended."""
