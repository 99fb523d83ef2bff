"""`make demo-compose`: an install with Compose on this machine, a code host beside it, and a pull request on its way through both."""
