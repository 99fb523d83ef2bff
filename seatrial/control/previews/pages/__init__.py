"""Pages of previews: the environment's page, pull requests' cards, and the page where no preview answers."""
