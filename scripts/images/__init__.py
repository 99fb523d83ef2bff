"""How the images of the product are made from a commit."""
