"""Images from registries: pulled by buildah in a cell, as a user of its own, behind a fence of its own."""
