"""The program on every Docker host: owns containers, builds and git caches. Never imports Django."""
