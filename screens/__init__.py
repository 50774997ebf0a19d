"""The wizard's screens: one per phase, plus home, start, runs, fixers and the end. They show; the engine decides."""
