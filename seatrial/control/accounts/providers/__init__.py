"""Sign-in with an account of another place: GitHub, GitLab, Gitea or Forgejo, Google. One module per provider."""
