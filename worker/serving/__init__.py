"""What the worker answers over HTTP: probes, metrics, current PSI, verdicts and playbooks."""
