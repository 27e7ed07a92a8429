"""Django's PostgreSQL backend behind this process's circuit breaker."""
