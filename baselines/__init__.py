"""Counts, references and the statistics that compare them. State lives in Redis, or in process for a replay."""
