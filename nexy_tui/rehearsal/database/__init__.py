"""A real PostgreSQL with the service's schema."""
