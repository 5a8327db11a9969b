"""The process behind `ilk`, `python -m orchestration`: how it begins and ends.

Belongs here: what is true of the process as a whole. Doesn't: commands (cli.py).

Most of what a run makes (dbt's manifest, Dagster's graph, two million objects) lives until it ends.
Python would go through all of it some ten times for garbage, and free each object by itself at the
end: 6 of 42 CPU seconds at 66,000 responses. Here it looks once in a cycle or two, and the process
just ends, as mypy does and for the same reason. What waits is 50 MB.
"""

import atexit
import gc
import os
import sys


def main() -> None:
    """Run the command line; what would be done at exit is done, but memory is not freed."""
    gc.set_threshold(3_000_000, 20, 100)
    from orchestration.cli import app

    try:
        app()
    except SystemExit as ended:
        if not isinstance(ended.code, int):
            raise
        atexit._run_exitfuncs()  # what multiprocessing's os._exit does before, too
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ended.code)


if __name__ == "__main__":
    main()
