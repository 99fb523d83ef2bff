"""GitLab, gitlab.com or self-managed, through an access token."""
