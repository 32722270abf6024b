"""Live polling: what open pages show is read from Azure DevOps by subscriptions."""
