"""The program inside the gVisor sandbox. Standard library only; knows neither network nor token."""
