"""What people see first: everything at a glance, and every page's address."""
