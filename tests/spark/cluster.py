"""A standalone cluster of the tests' own: a master and two workers of one core, on loopback alone.

Belongs here: finding Java and pyspark, starting, killing, ending. Doesn't: what runs there.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

SECRET = "rahasia-gugus-uji"
_SECONDS_TO_START = 180  # five, where nothing else runs
IS_HERE = bool(find_spec("pyspark") and shutil.which("java"))
HOW_TO_GET_IT = "no pyspark or no Java here: make spark installs both"


class SparkCluster:
    """Processes that end with `stop`, and the folder of all that Spark writes."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ilk-spark-"))
        (self.folder / "events").mkdir()
        (self.folder / "java").mkdir()
        self._settings = {
            "spark.authenticate": "true",
            "spark.network.crypto.enabled": "true",
            "spark.executor.memory": "512m",
            "spark.executor.extraJavaOptions": self._of_java,
            "spark.master.rest.enabled": "false",  # it knows no authentication, and has one port
            "spark.eventLog.enabled": "true",
            "spark.eventLog.compress": "false",  # or nobody could look for words in it
            "spark.eventLog.dir": (self.folder / "events").as_uri(),
            "spark.log.level": "INFO",
        }
        self.conf = self.with_defaults("conf", {"spark.authenticate.secret": SECRET})
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        try:
            log = self._start("master", "org.apache.spark.deploy.master.Master")
            self.master = _awaited(log, r"Starting Spark master at (spark://\S+)")
            for name in ("one", "two"):
                self.start_worker(name)
        except BaseException:
            self.stop()
            raise

    @property
    def _of_java(self) -> str:
        """What keeps the libraries that Java unpacks below the folder: a killed one leaves them."""
        return f"-Djava.io.tmpdir={self.folder / 'java'}"

    @property
    def environment(self) -> dict[str, str]:
        """What a driver needs to be told: all of Spark's writing lies below the folder."""
        return {
            "SPARK_CONF_DIR": str(self.with_defaults("conf_of_driver", {})),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_LOCAL_DIRS": str(self.folder / "local"),
        }

    def with_defaults(self, name: str, more: dict[str, str]) -> Path:
        """Write a folder for SPARK_CONF_DIR; a driver is told the secret by a variable."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        lines = "".join(f"{key} {value}\n" for key, value in {**self._settings, **more}.items())
        (folder / "spark-defaults.conf").write_text(lines, encoding="utf-8")
        return folder

    def start_worker(self, name: str) -> None:
        """Start a worker of one core, after one of that name was killed too."""
        log = self._start(
            name, "org.apache.spark.deploy.worker.Worker", "--cores", "1", "--memory", "1g",
            "--work-dir", str(self.folder / "work" / name), self.master,
        )  # fmt: skip
        _awaited(log, r"Successfully registered with master (\S+)")

    def kill_worker(self, name: str) -> None:
        """End a worker and its executors at once, as a machine that is switched off."""
        process = self._processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """End all of it for good, and remove what it wrote."""
        for name in list(self._processes):
            self.kill_worker(name)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, name: str, java_class: str, *arguments: str) -> Path:
        import pyspark

        log = self.folder / f"{name}.log"
        with log.open("wb") as said:
            self._processes[name] = subprocess.Popen(
                [Path(pyspark.__file__).parent / "bin" / "spark-class", java_class,
                 "--host", "127.0.0.1", "--port", "0", "--webui-port", "0", *arguments],
                env={**os.environ, **self.environment, "SPARK_CONF_DIR": str(self.conf),
                     "SPARK_DAEMON_MEMORY": "256m", "SPARK_DAEMON_JAVA_OPTS": self._of_java,
                     "TMPDIR": str(self.folder)},
                stdout=said, stderr=said, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        return log


def processes_that_name(words: str) -> list[str]:
    """The command lines of processes in which the words stand, of whatever user."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it has ended
            continue
        if words in line:
            found.append(line)
    return found


def _awaited(log: Path, words: str) -> str:
    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline:
        text = log.read_text(encoding="utf-8", errors="replace")
        if found := re.search(words, text):
            return found[1]
        time.sleep(0.2)
    raise AssertionError(f"within {_SECONDS_TO_START} s nothing like '{words}':\n{text[-2000:]}")
