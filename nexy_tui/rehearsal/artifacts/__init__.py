"""A true disk image and a true installer package, of any version and of an exact size."""
