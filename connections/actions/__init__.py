"""The verbs: one module for each use case. Only they join the rules, the client and the database."""
