"""A simulated Microsoft Entra: tenants, applications and their credentials, and the issuer of access tokens."""
