"""The rules: pure functions and values, without Django and without the database."""
