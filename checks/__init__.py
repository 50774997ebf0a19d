"""The checks: one module per phase. A check looks, then judges; it never touches the outside world."""
