"""`quadrift calibrate`: thresholds from an agent's own history, what they cost, and what cannot be seen."""
