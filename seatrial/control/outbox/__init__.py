"""Messages that commit together with the state change they announce."""
