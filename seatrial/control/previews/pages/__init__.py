"""What people see of previews: the environment's page, the cards of pull requests, and what stands in for a preview."""
