"""Backups: write the whole database to one file, and restore it. Backups contain no keys."""
