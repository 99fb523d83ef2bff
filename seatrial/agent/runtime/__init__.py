"""Runtimes for services: the contract (`base`), the Docker Engine, and bare processes for trying out."""
