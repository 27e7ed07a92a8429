"""For operators: imports, the demo world, explanations."""
