"""judge, the leader: counts -> windows -> PSI against two references -> verdict -> episode -> outbox."""
