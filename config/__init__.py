"""Settings, defaults, taxonomies and logging. Imported by `worker` alone; the others take plain values."""
