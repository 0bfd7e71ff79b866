"""What was measured on a real server against what the simulator does, one module for each kind of measurement."""
