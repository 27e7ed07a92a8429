"""What of a text may trend, and which language it is in. Knows no Django and no Redis."""
