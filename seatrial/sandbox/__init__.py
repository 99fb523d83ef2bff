"""The program inside the sandbox. Standard library only: knows neither network nor token."""
