"""A simulated Azure DevOps over real HTTP, on loopback: for every test, and for people without an account."""
