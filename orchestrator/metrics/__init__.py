"""Metrics for Prometheus: what `/metrics` answers."""
