"""The alert rules and the dashboard, with a real Prometheus and Alertmanager."""
