"""The rehearsal world: a sealed network on loopback in which a whole release is real and nothing leaves the machine.

Imported by the command line alone, and lazily: no other room knows that rehearsals exist (design: a sealed network, not a mode).
"""
