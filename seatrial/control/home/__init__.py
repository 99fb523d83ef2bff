"""The start page, a project's page, and the addresses of all pages."""
