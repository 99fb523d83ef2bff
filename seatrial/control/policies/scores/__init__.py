"""The score of each project, day by day: what it is made of, when it is taken, and how it is shown."""
