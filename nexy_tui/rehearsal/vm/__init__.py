"""The rehearsal VM: its files, its service manager, its scripts, its package index, and the update server that runs on it."""
