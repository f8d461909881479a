"""The demo: a made-up support agent, the servers it needs, the real worker, and a view of what it says."""
