"""The roof: settings, topology, the doors of the service. It imports every app; none imports it."""
