import sys
from pathlib import Path

# The benchmarks are run from the checkout and never installed.
sys.path.append(str(Path(__file__).resolve().parents[2]))
