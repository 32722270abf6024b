"""Azure DevOps, as a client that knows no Django."""
