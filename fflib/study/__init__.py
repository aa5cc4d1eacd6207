"""The paper under test: which runs are planned, what is claimed, and what the runs say."""
