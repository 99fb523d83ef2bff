"""Supply chain.

Where dependencies come from, and whether what is installed is what was chosen: integrity of lock files, sources, updates, programs that nobody can read.
"""
