"""``python -m bitline``: the same as ``bitline``."""

from bitline.cli.main import main

main()
