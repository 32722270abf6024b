"""The verbs: roles, standing, invitations and sessions of people."""
