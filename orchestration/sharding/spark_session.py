"""A session of Apache Spark: Java and pyspark found or told of, its settings, its end.

Belongs here: what must hold of every session: nobody listens, nothing is shown, one thread a task.
Doesn't: what runs in it (spark_runner.py); memory, cores, images and volumes, which Spark reads
from its own spark-defaults.conf (docs/scaling.md). Nothing of pyspark is imported before.
"""

import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from orchestration.process_environment import environment
from orchestration.sharding.runners import RunnerError

if TYPE_CHECKING:
    from py4j.java_gateway import JavaGateway
    from pyspark import SparkConf, SparkContext

_LOOPBACK = "127.0.0.1"
_SECONDS_TO_ANSWER = 10
_SECONDS_TO_END = 20
# Whoever runs a cluster may not say otherwise: a task carries the key of pseudonyms.
_ALWAYS = {
    "spark.authenticate": "true",
    "spark.network.crypto.enabled": "true",
    "spark.io.encryption.enabled": "true",
    "spark.redaction.regex": "(?i)secret|password|token|key|ilk_",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
# BLAS, OpenMP and Arrow's pool: Spark runs as many tasks as there are cores.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ARROW_IO_THREADS")
_UNLESS_SAID = {
    "spark.eventLog.enabled": "false",
    "spark.task.maxFailures": "4",
    **{f"spark.executorEnv.{name}": "1" for name in _THREADS},
}


class SparkError(RunnerError):
    """Spark can't be used as it is; the sentence says what to do."""


@contextmanager
def session(master: str, *, secret: str | None = None) -> Iterator["SparkContext"]:
    """Yield a context of Spark on a master, and end it with the process of Java that it needs.

    `master`: as Spark has it. `secret`: what a standalone cluster's processes know each other by
    (its `spark.authenticate.secret`). Raises SparkError.
    """
    _answers(master)
    with ExitStack() as opened:
        said = opened.enter_context(tempfile.TemporaryFile())
        # Java's libraries and blocks: what it doesn't remove goes with the folder.
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="ilk-spark-")))
        gateway = opened.enter_context(_gateway(master, said, folder))
        with warnings.catch_warnings():
            # Of pandas 3, which is handed to Spark by no task of ours; it is imported on the way.
            warnings.simplefilter("ignore", FutureWarning)
            conf = _conf(gateway, master, secret)
        # Executors run this interpreter, or what PYSPARK_PYTHON names (of an image, say).
        python = os.environ.get("PYSPARK_PYTHON", sys.executable)
        # Ctrl-C stays ours: Spark would keep the signal after its end.
        interrupt = signal.getsignal(signal.SIGINT)
        try:
            with environment({"PYSPARK_PYTHON": python}):
                context = _spark().SparkContext(gateway=gateway, conf=conf)
        except Exception as error:
            raise SparkError(_unusable(master, said, error)) from error
        finally:
            if interrupt is not None and signal.getsignal(signal.SIGINT) is not interrupt:
                signal.signal(signal.SIGINT, interrupt)
        opened.callback(context.stop)
        yield context


def _spark() -> Any:  # noqa: ANN401  # a module that may be missing
    try:
        import pyspark
    except ImportError as error:
        raise SparkError(
            "Pasang / install: uv sync --inexact --extra spark (ILK_SPARK_MASTER, docs/scaling.md)"
        ) from error
    # It logs settings, secrets among them, and a stack of Ctrl-C, in part as nobody's.
    logging.getLogger("py4j").setLevel(logging.CRITICAL)
    logging.getLogger().addFilter(_is_not_py4js)
    return pyspark


def _is_not_py4js(record: logging.LogRecord) -> bool:
    return "py4j" not in Path(record.pathname).parts


def _answers(master: str) -> None:
    """Raise SparkError where no master of a standalone cluster takes a connection.

    Spark itself would ask for a minute, and then say it in Java's words.
    """
    if not master.startswith("spark://"):
        return
    places = master.removeprefix("spark://").split(",")
    for place in places:
        host, _, port = place.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), _SECONDS_TO_ANSWER).close()
        except OSError:
            continue
        return
    raise SparkError(
        f"ILK_SPARK_MASTER={master}: jalankan master itu atau betulkan alamatnya; tidak ada yang "
        "menjawab. / Start that master, or mend its address: nothing answers there."
    )


@contextmanager
def _gateway(master: str, said: IO[bytes], folder: Path) -> Iterator["JavaGateway"]:
    """Yield a way into a new process of Java: its words go to `said`, its files to `folder`."""
    spark = _spark()
    home = os.environ.get("JAVA_HOME")
    if not (home and (Path(home) / "bin" / "java").exists()) and not shutil.which("java"):
        raise SparkError(
            "Pasang Java 17 / install it: make spark, apt-get install openjdk-17-jre-headless "
            "(ILK_SPARK_MASTER, docs/scaling.md)"
        )
    more = os.environ.get("PYSPARK_SUBMIT_ARGS", "pyspark-shell")
    # Spark completes some masters' settings only here (k8s://). No setting of ours is an argument:
    # whoever lists processes reads those.
    from pyspark.java_gateway import launch_gateway

    arguments = f"--master '{master}' {more}"
    options = f'{os.environ.get("SPARK_SUBMIT_OPTS", "")} "-Djava.io.tmpdir={folder}"'
    try:
        with environment({"PYSPARK_SUBMIT_ARGS": arguments, "SPARK_SUBMIT_OPTS": options}):
            gateway = launch_gateway(popen_kwargs={"stdout": said, "stderr": said})
    except Exception as error:
        raise SparkError(_unusable(master, said, error)) from error
    try:
        yield gateway
    finally:
        gateway.shutdown()
        gateway.proc.stdin.close()  # by which Java's process ends
        try:
            gateway.proc.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            gateway.proc.kill()
        # The next session has a process of its own, with its own master.
        spark.SparkContext._gateway = spark.SparkContext._jvm = None


def _conf(gateway: "JavaGateway", master: str, secret: str | None) -> "SparkConf":
    conf = _spark().SparkConf(_jvm=gateway.jvm).setAppName("ilk")  # with spark-defaults.conf
    for name, value in _UNLESS_SAID.items():
        conf.setIfMissing(name, value)
    for name, value in _ALWAYS.items():
        conf.set(name, value)
    if master.startswith("local"):
        conf.set("spark.driver.host", _LOOPBACK).set("spark.driver.bindAddress", _LOOPBACK)
    if secret:
        conf.set("spark.authenticate.secret", secret)
    elif master.startswith("spark://") and not conf.contains("spark.authenticate.secret"):
        raise SparkError(
            "Isi ILK_SPARK_SECRET dengan rahasia gugus itu (spark.authenticate.secret): tugas "
            "membawa kunci pseudonim dan hanya berjalan lewat jaringan terenkripsi. / Set it to "
            "the cluster's secret: tasks carry the key of pseudonyms, and travel encrypted alone."
        )
    return conf


def _unusable(master: str, said: IO[bytes], error: Exception) -> str:
    """Return a sentence of what Java said last, or of the error."""
    said.seek(0)
    text = said.read().decode(errors="replace")
    lines = text.splitlines() or str(error).splitlines()
    causes = [line for line in lines if re.match(r"Caused by|\S*(Exception|Error)\b", line)]
    causes += re.findall(r"Application has been killed\. Reason: (.+)", text)  # the rest follows
    secret = ", ILK_SPARK_SECRET" if master.startswith("spark://") else ""
    return (
        f"ILK_SPARK_MASTER={master}: periksa master{secret}, Java (17 atau lebih baru), dan "
        f"spark-defaults.conf; Spark tidak dapat dimulai. / Check the master{secret}, Java (17 or "
        f"newer) and spark-defaults.conf: Spark can't be started.\n{(causes or lines)[-1].strip()}"
    )
