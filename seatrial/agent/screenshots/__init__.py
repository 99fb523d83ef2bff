"""Screenshots of services that are live here, taken by a browser in a container of its own."""
