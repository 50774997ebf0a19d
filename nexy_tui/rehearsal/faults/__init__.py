"""What can be broken in a world, and the switching of it."""
