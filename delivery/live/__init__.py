"""Live lists: what is polled at Azure DevOps while somebody looks at it."""
