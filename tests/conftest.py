"""Lets the tests import their helpers (`from networks import random_problem`) in pytest's importlib mode."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
