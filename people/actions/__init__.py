"""Use cases: manage people and end sessions."""
