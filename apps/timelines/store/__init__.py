"""Redis side of home timelines: keys, raw connections, pushes, the steps of a rebuild."""
