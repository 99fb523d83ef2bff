"""Child processes of the agent: found, started, waited for, and ended with everything they started."""
