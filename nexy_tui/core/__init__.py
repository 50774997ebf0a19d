"""Values without I/O. Nothing here imports anything but the standard library."""
