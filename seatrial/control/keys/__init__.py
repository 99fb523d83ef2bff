"""Every key of this server: what it is for, when it was rotated, how to rotate it; the rotation of the master key."""
