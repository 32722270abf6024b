"""What a stack's parts print, and a test waits for."""

# A worker, when it takes tasks.
READY = "The worker is ready."
# A clock, before the name of each task that it rings for.
RANG = "Rang for"
# The environment's variable with a file that says how a loop is to be held up; there need be none.
STAND_STILL_VARIABLE = "FAULTS_STAND_STILL"
# The environment's variable that gives every thread of a worker a task that takes longer than any test.
BUSY_VARIABLE = "FAULTS_BUSY"
