"""Log lines of builds and services, on their way to the bus."""
