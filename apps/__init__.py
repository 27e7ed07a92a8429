"""The rooms of the house, one package per context."""
