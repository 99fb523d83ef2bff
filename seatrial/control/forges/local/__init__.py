"""The local forge: repository directories on this machine, whose branches can be opened as pull requests."""

KIND = "local"  # stored in connections, part of webhook addresses
