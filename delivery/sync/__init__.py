"""Sync of projects and repositories from Azure DevOps into the database."""
