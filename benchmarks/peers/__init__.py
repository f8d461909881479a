"""Other tools on the same windows, each in an environment of its own."""
