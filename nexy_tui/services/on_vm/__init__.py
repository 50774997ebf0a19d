"""What runs on the VM: one module a job, sent there as one script. Grammar and standard library of Python 3.9 alone."""
