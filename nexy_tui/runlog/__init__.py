"""The signed run log: records, signatures, the chained file, its seal and its verification."""
