"""Writing policies: the catalogue, a policy's page, its versions, and where they come from."""
