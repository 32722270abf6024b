"""What is measured: one module for each kind of work, each run in a process and a place of its own."""
