"""The database and its backups, looked at and worked on from here or on the VM (contracts: database)."""
