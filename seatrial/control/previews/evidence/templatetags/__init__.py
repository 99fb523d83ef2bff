"""What pages of evidence say in words."""
