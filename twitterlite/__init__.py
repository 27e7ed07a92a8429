"""The roof: settings, topology, and the doors of the service. It imports every app; none imports it."""
