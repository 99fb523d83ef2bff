"""Gitea and Forgejo, which has the same API: one kind of forge, told apart by its version."""
