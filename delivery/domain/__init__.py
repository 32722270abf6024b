"""The rules of builds, stages and text files: pure, without Django and without the database."""
