"""Django commands of air-gapped installs."""
