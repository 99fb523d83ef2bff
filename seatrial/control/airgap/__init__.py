"""Air-gapped installs: what `airgap_setup` prepares, and what `airgap_smoketest` finds out."""
