"""The description of the API: what every operation takes, needs and answers."""
