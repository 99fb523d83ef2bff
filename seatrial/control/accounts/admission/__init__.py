"""Who comes in through a provider: allow-lists, invitations, and the roles that go with them."""
