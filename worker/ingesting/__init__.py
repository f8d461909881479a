"""ingest, every worker: record -> turn -> bins -> one atomic commit of counts and the next offset."""
