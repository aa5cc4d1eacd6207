"""``python -m fflib.book`` executes the chapters and builds the site."""

import sys

try:
    from fflib.book.build import main
except ImportError as missing:
    sys.exit(str(missing))

sys.exit(main())
