"""Rolling policies out: how much each weighs, where, and from when on. See ADR 52."""
