"""Repositories: pages, reads on demand, and changes."""
