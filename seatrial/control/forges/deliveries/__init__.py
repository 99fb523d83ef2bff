"""Deliveries for people: what each is about, what it means and what to do, searching, replaying, testing a webhook."""
