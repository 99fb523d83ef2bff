"""`seatrial up`: the whole platform as child processes of one supervisor, in one data directory."""
