"""A child process that opens a file for a reader: what is in it can end or fill it, not the run.

Belongs here: starting it, its lines of JSON, what its silence means. Doesn't: what it reads
(workbook_cells, spss_cells), which import nothing of the project, or what its rows mean.
"""

import json
import signal
import subprocess
import sys
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import Any

from orchestration.exports.faults import ExportFault

_SECONDS_TO_END = 5


class ReaderChild(AbstractContextManager["ReaderChild"]):
    """The child process `script`, which got `arguments`."""

    def __init__(self, script: str, *arguments: str, silence: str, **details: int) -> None:
        """`silence` is the fault of a child that ends too early, `details` fill its sentence."""
        self._silence, self._details = silence, details
        self._child = subprocess.Popen(
            [sys.executable, "-I", script, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what it says when it breaks quotes cells
            encoding="utf-8",
        )

    def ask(self, wanted: object) -> None:
        """Write the child a line."""
        assert self._child.stdin is not None
        with suppress(BrokenPipeError):  # its silence is told below
            self._child.stdin.write(json.dumps(wanted) + "\n")
            self._child.stdin.flush()

    def line(self) -> dict[str, Any]:
        """Return what the child says next. Raises ExportFault: its own, or that of its silence."""
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line.endswith("\n"):
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(timeout=_SECONDS_TO_END)
            self.close()
            raise ExportFault(self._silence, detail=self._end(), **self._details)
        told: dict[str, Any] = json.loads(line)
        if "fault" in told:
            self.close()
            raise ExportFault(told["fault"], **told["details"])
        return told

    def close(self) -> None:
        """End the child."""
        self._child.kill()
        self._child.wait()
        for pipe in filter(None, (self._child.stdin, self._child.stdout)):
            with suppress(BrokenPipeError):
                pipe.close()

    def _end(self) -> str:
        code = self._child.returncode
        return signal.Signals(-code).name if code < 0 else f"exit {code}"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the child, whatever happened."""
        self.close()
