"""What forges that are reached over HTTP share: a client that keeps to its budget, ETags, and the forge's clock."""
