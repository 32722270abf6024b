"""What a stack's parts print, and a test waits for."""

# A worker, when it takes tasks.
READY = "The worker is ready."
# A clock, before the name of each task that it rings for.
RANG = "Rang for"
