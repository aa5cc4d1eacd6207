"""Many runs: planned, trained on the cores of a machine or on a cluster, resumed, verified."""
