"""Badges: a project's score as a small picture, for whoever has its address or may see the project."""
