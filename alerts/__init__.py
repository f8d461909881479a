"""From a verdict to a person: quadrant, attribution, episodes, outbox, sinks and the playbooks."""
