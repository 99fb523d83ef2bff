"""One agent with the previews on it: its page, its operations of the REST API, draining it and removing it."""
