"""OpenLineage events: what a run read and wrote, as other tools (Marquez, DataHub) take it.

Belongs here: the standard's JSON, the file it goes to, the endpoint it may go to. Doesn't: knowing
what a run did (orchestration/lineage/runs.py). Plain JSON and urllib: the standard's own client
would bring an HTTP stack of its own, and half a second of imports, for one POST.

A run is a run of the job `survey_cycle`; each thing that it makes (a table of the warehouse, one of
the publication, the raw zone) is a run of a job of its own with `survey_cycle` as parent.
"""

import json
import logging
import urllib.request
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

logger = logging.getLogger("ilk.lineage")

PRODUCER = "urn:ilk:warehouse"
_SPEC = "https://openlineage.io/spec"
_EVENT = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_VERSIONS = {
    "ColumnLineageDatasetFacet": "1-2-0",
    "DatasetVersionDatasetFacet": "1-0-1",
    "DocumentationDatasetFacet": "1-1-0",
    "ErrorMessageRunFacet": "1-0-1",
    "JobTypeJobFacet": "2-0-4",
    "OutputStatisticsOutputDatasetFacet": "1-0-2",
    "ParentRunFacet": "1-2-0",
    "SchemaDatasetFacet": "1-2-0",
}
_TIMEOUT_SECONDS = 5

Json = dict[str, Any]


def facet(kind: str, **content: object) -> Json:
    """Return a facet of the standard, such as `facet("SchemaDatasetFacet", fields=[...])`."""
    url = f"{_SPEC}/facets/{_VERSIONS[kind]}/{kind}.json#/$defs/{kind}"
    return {"_producer": PRODUCER, "_schemaURL": url, **content}


@dataclass(frozen=True)
class Dataset:
    """A file or table; `facets` say what it is, `io_facets` what was read or written this time."""

    namespace: str
    name: str
    facets: Mapping[str, Json] = field(default_factory=dict)
    io_facets: Mapping[str, Json] = field(default_factory=dict)

    def as_json(self, io: str) -> Json:
        """Return it as an entry of `inputs` (io: `inputFacets`) or `outputs` (`outputFacets`)."""
        return {
            "namespace": self.namespace,
            "name": self.name,
            "facets": dict(self.facets),
            io: dict(self.io_facets),
        }


class Outlet:
    """Where events go: a line each in a file and, where there is a URL, a POST each.

    An endpoint that does not answer is warned of once and left alone for the rest of the run: the
    file has the events, and no lineage is worth a cycle.
    """

    def __init__(self, file: Path, *, url: str | None = None, api_key: str | None = None) -> None:
        """`url` is the whole address that takes events; `file` is made with its folder."""
        self._file = file
        self._url = url
        self._api_key = api_key
        file.parent.mkdir(parents=True, exist_ok=True)

    def send(self, events: Iterable[Json]) -> None:
        """Write the events, then post them in their order."""
        lines = [json.dumps(event) for event in events]
        with self._file.open("a", encoding="utf-8") as target:
            target.writelines(f"{line}\n" for line in lines)
        for line in lines:
            if self._url is not None:
                self._post(self._url, line)

    def _post(self, url: str, line: str) -> None:
        headers = {"Content-Type": "application/json"}
        if self._api_key:
            headers["Authorization"] = f"Bearer {self._api_key}"
        try:
            request = urllib.request.Request(url, line.encode(), headers, method="POST")
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS):
                pass
        except (OSError, ValueError) as error:
            self._url = None
            logger.warning(
                "Lineage tidak terkirim, proses jalan terus / lineage events can't be sent to %s "
                "(%s); the run goes on, and they lie in %s",
                url,
                error,
                self._file,
            )


class LineageRun:
    """The events of one run of the job `survey_cycle`."""

    def __init__(self, outlet: Outlet, *, run_id: str, namespace: str) -> None:
        """`run_id` is Dagster's, a UUID."""
        self._outlet = outlet
        self._run_id = run_id
        self._namespace = namespace

    def start(self) -> None:
        """Tell that the run has begun."""
        self._tell("START")

    def end(self, *, problem: str | None) -> None:
        """Tell how the run ended: well, or with a problem."""
        if problem is None:
            self._tell("COMPLETE")
            return
        error = facet("ErrorMessageRunFacet", message=problem, programmingLanguage="Python")
        self._tell("FAIL", {"errorMessage": error})

    def made(
        self,
        job: str,
        *,
        inputs: Iterable[Dataset],
        outputs: Iterable[Dataset],
        started_at: datetime,
        ended_at: datetime,
        job_type: str,
    ) -> list[Json]:
        """Return the two events of a thing made: `send` takes many at once. Times bear a zone."""
        run_id = str(uuid.uuid5(uuid.UUID(self._run_id), job))
        parent = facet(
            "ParentRunFacet",
            run={"runId": self._run_id},
            job={"namespace": self._namespace, "name": "survey_cycle"},
        )
        begun = self._event("START", job, run_id, started_at, {"parent": parent}, job_type)
        done = self._event("COMPLETE", job, run_id, ended_at, {"parent": parent}, job_type)
        done["inputs"] = [dataset.as_json("inputFacets") for dataset in inputs]
        done["outputs"] = [dataset.as_json("outputFacets") for dataset in outputs]
        return [begun, done]

    def send(self, events: Iterable[Json]) -> None:
        """Send what `made` returned."""
        self._outlet.send(events)

    def _tell(self, kind: str, facets: Mapping[str, Json] | None = None) -> None:
        event = self._event(
            kind, "survey_cycle", self._run_id, datetime.now(UTC), facets or {}, "JOB"
        )
        self._outlet.send([event])

    def _event(
        self,
        kind: str,
        job: str,
        run_id: str,
        at: datetime,
        facets: Mapping[str, Json],
        job_type: str,
    ) -> Json:
        job_facet = facet(
            "JobTypeJobFacet", processingType="BATCH", integration="ILK", jobType=job_type
        )
        return {
            "eventType": kind,
            "eventTime": at.isoformat(),
            "producer": PRODUCER,
            "schemaURL": _EVENT,
            "run": {"runId": run_id, "facets": dict(facets)},
            "job": {"namespace": self._namespace, "name": job, "facets": {"jobType": job_facet}},
            "inputs": [],
            "outputs": [],
        }
