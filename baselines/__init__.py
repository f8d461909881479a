"""Counts, references and the statistics that compare them. State is in Redis, or in process for a replay."""
