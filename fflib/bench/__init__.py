"""How fast training is: the engine beside a plain baseline, and beside what the machine can do."""
