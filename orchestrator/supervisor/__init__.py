"""`manage.py up`, the whole product in one terminal. Read `up.py` from top to bottom."""
