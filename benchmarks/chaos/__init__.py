"""What breaks in a soak, and what has to be true after it."""
