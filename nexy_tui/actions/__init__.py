"""What changes the world: a verb a file. Every action can be repeated."""
