"""Who someone is: account, profile, log-in, applications and tokens."""
