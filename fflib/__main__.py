"""``python -m fflib`` is the command ``fflib``."""

from fflib.cli import main

if __name__ == "__main__":
    main()
