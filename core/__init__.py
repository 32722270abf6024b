"""What every app stands on: tasks, encryption, redaction, client addresses, request ids, heartbeats, errors."""
