"""People, workspaces, memberships, API tokens, and the one module that says who may do what (`access`)."""
