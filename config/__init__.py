"""Settings, defaults, taxonomies and logging. Imported by `worker` alone; the other packages take plain values."""
