"""The private PostgreSQL and Valkey, and the supervisor that keeps every process alive.

Nothing in here imports Django: settings read the addresses of running engines from here, and the
supervisor stays small.
"""
