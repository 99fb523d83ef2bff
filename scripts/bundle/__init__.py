"""How a release is packed for a network without internet."""
