"""Variables of this process's environment, for as long as something reads them.

Belongs here: setting them and putting back what was there. Doesn't: what they say.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def environment(told: Mapping[str, str]) -> Iterator[None]:
    """Set these variables; afterwards they are what they were, or not there."""
    before = {name: os.environ.get(name) for name in told}
    os.environ.update(told)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
