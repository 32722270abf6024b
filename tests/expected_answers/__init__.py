"""What Azure DevOps is expected to answer: the file itself, the sandbox and the client held against it."""
