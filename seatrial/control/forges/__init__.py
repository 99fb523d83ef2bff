"""The conversation with code hosts: webhooks in, reports out, and the sweep of what is open."""
