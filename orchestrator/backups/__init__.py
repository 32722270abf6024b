"""Backups: one file that holds the whole database, and putting it back. Keys are in no backup."""
