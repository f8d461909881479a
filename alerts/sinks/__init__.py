"""Where alerts go: one module a receiver, each with its own reading of what an answer means."""
