"""`airgap_setup` and `airgap_smoketest`."""
