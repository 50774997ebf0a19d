"""Azure as a release meets it: the login endpoint, Resource Manager, and run-command."""
