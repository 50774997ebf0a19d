"""One engine for every face: it evaluates the checklist, performs actions, journals, and drives a run to its seal."""
