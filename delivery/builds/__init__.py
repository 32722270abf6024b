"""Builds: pages, reads on demand, polling, and changes."""
