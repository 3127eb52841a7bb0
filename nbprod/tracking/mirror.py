"""MLflow as a mirror of the ledger, in one direction: runs, parameters, metrics, notebooks, plots, models, aliases.

MLflow shows what the ledger holds; nothing is read back from it but the ids by which it knows things.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Mapping  # noqa: TC003  # `wire` reads the annotations at run time
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from msgspec import Struct

from nbprod.artifacts.store import write_atomically
from nbprod.errors import NbprodError
from nbprod.running.keeping import kept_of
from nbprod.running.records import RECORD, read_record, run_folders
from nbprod.tracking.metrics import metrics_of
from nbprod.tracking.scoring import candidate_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbprod.model import Record
    from nbprod.running.place import Place
    from nbprod.settings import Settings
    from nbprod.tracking.registry import Registry, Version

ADDRESS = "MLFLOW_TRACKING_URI"
_LONGEST_PARAMETER = 6000


class Mirrored(Struct, frozen=True, kw_only=True):
    """What was brought to MLflow just now, and where it is."""

    address: str
    runs: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    aliases: Mapping[str, str] | None = None


def address_of(place: Place, settings: Settings) -> str:
    """Where MLflow keeps its things: as said, by the environment or the settings, else a SQLite file beside the ledger."""
    said = os.environ.get(ADDRESS) or settings.mlflow
    return said if said and said != "sqlite" else f"sqlite:///{place.state / 'mlflow.sqlite'}"


def mirror(*, place: Place, settings: Settings, registry: Registry) -> Mirrored:
    """Bring to MLflow what the ledger has and it hasn't; may be done again at any time.

    Raises NbprodError where MLflow is not installed or can't be reached.
    """
    if find_spec("mlflow") is None:
        raise NbprodError("MLflow is not installed.", remedy="pip install 'nbprod[mlflow]'.")
    # Its own news and its retries would fill the screen of whoever waits for a run.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    address = address_of(place, settings)
    known = _Known(file=_ids_file(place, address))
    try:
        client = MlflowClient(tracking_uri=address, registry_uri=address)
        mirroring = _Mirroring(client=client, place=place, settings=settings, registry=registry, known=known)
        # What a command prints may be JSON for a machine: MLflow's own lines go where messages go.
        with contextlib.redirect_stdout(sys.stderr):
            return Mirrored(
                address=address,
                runs=tuple(mirroring.runs()),
                versions=tuple(mirroring.versions()),
                aliases=dict(mirroring.aliases()),
            )
    except MlflowException as error:
        raise NbprodError(
            f"MLflow refuses: {str(error)[:300]}",
            where=address,
            remedy="The ledger has everything; `nbprod mirror` brings it there later.",
        ) from error


def shown_at(place: Place, settings: Settings) -> dict[str, str]:
    """The pages of the runs that were brought to a server of MLflow's, by the ids of their records.

    None where MLflow is a file, which has no pages. A password in the address stays out of the links.
    """
    address = address_of(place, settings)
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https"):
        return {}
    host = parts.netloc.rpartition("@")[2]
    start = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
    known = _Known(file=_ids_file(place, address)).ids
    return {run: f"{start}/#/runs/{shown}" for run, shown in known.items() if "@" not in run}


def _ids_file(place: Place, address: str) -> Path:
    return place.state / f"mlflow-{hashlib.sha256(address.encode()).hexdigest()[:12]}.json"


class _Known:
    """By which ids MLflow knows what stands in the ledger; losing the file only brings things there twice."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.ids: dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}

    def put(self, name: str, value: str) -> None:
        self.ids[name] = value
        write_atomically(self.file, json.dumps(self.ids, indent=1) + "\n", durable=False)


class _Mirroring(Struct, frozen=True, kw_only=True):
    client: Any
    place: Place
    settings: Settings
    registry: Registry
    known: _Known

    def runs(self) -> Iterator[str]:
        for folder in reversed(run_folders(self.place.state)):
            if folder.name not in self.known.ids:
                record = read_record(folder)
                if record.seconds is not None:
                    self.known.put(record.id, self._run(record))
                    yield record.id

    def versions(self) -> Iterator[str]:
        for model in self.registry.models():
            for version in reversed(self.registry.versions(model)):
                name = str(version)
                if name not in self.known.ids and version.run in self.known.ids:
                    self.known.put(name, self._version(version))
                    yield name

    def aliases(self) -> Iterator[tuple[str, str]]:
        for model in self.registry.models():
            for alias, number in self.registry.aliases(model).items():
                shown = self.known.ids.get(f"{model}@{number}")
                if shown is not None:
                    self.client.set_registered_model_alias(model, alias, shown)
                    yield f"{model}@{alias}", shown

    def _run(self, record: Record) -> str:
        begun = _milliseconds(record.started)
        experiment = self._experiment(record.pipeline)
        tags = {"nbprod.run": record.id, "nbprod.source": record.source, "nbprod.state": str(record.state)}
        run = self.client.create_run(experiment, start_time=begun, tags={**tags, "mlflow.runName": record.id})
        shown: str = run.info.run_id
        for name, value in record.parameters.items():
            self.client.log_param(shown, name, _short(value))
        for name, figure in metrics_of(record).items():
            self.client.log_metric(shown, name, figure, timestamp=begun)
        for name, value in _identity(record):
            self.client.set_tag(shown, name, value)
        self._files(shown, Path(record.folder))
        status = "FINISHED" if record.state.is_good else "FAILED"
        self.client.set_terminated(shown, status, end_time=begun + int(1000 * (record.seconds or 0)))
        return shown

    def _experiment(self, name: str) -> str:
        found = self.client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        # Beside the ledger where MLflow is a file; a server keeps artifacts where it likes.
        is_file = address_of(self.place, self.settings).startswith("sqlite:")
        location = (self.place.state / "mlflow-artifacts" / name).as_uri() if is_file else None
        return str(self.client.create_experiment(name, artifact_location=location))

    def _files(self, shown: str, folder: Path) -> None:
        for name in (RECORD, "kept.json"):
            if (folder / name).is_file():
                self.client.log_artifact(shown, str(folder / name))
        for notebook in sorted(folder.glob("*.ipynb")):
            self.client.log_artifact(shown, str(notebook), "notebooks")
            for number, picture in enumerate(_pictures(notebook), start=1):
                with tempfile.TemporaryDirectory() as scratch:
                    file = Path(scratch) / f"{notebook.stem}-{number}.png"
                    file.write_bytes(picture)
                    self.client.log_artifact(shown, str(file), "plots")

    def _version(self, version: Version) -> str:
        """The model with its signature as a version of MLflow's registry; what isn't scikit-learn's is left a file."""
        import mlflow

        address = address_of(self.place, self.settings)
        mlflow.set_tracking_uri(address)
        mlflow.set_registry_uri(address)
        candidate = candidate_at(version, place=self.place, settings=self.settings)
        rows = candidate.held_out.x[:5]
        model = candidate.model
        flavour = mlflow.sklearn if hasattr(model, "get_params") else mlflow.pyfunc
        with mlflow.start_run(run_id=self.known.ids[version.run]):
            logged = flavour.log_model(
                **_argument_of(model),
                name="model",
                registered_model_name=version.model,
                signature=mlflow.models.infer_signature(rows, model.predict(rows)),
                pip_requirements=[f"{name}=={one}" for name, one in _pins(candidate.record).items()],
            )
        shown = str(logged.registered_model_version)
        self.client.set_model_version_tag(version.model, shown, "nbprod.version", str(version.version))
        self.client.set_model_version_tag(version.model, shown, "nbprod.digest", version.digest)
        return shown


def _argument_of(model: Any) -> dict[str, Any]:
    if hasattr(model, "get_params"):
        # The record vouches for what is stored; MLflow's own check of types would refuse an encoder's dtype.
        return {"sk_model": model, "serialization_format": "cloudpickle"}
    return {"python_model": model.predict}


def _pins(record: Record) -> dict[str, str]:
    return {name: one for name, one in record.versions.items() if name in ("scikit-learn", "pandas", "numpy")}


def _identity(record: Record) -> Iterator[tuple[str, str]]:
    """Digests of code, data and models, the environment's versions, verdicts in figures."""
    for name, digest in record.digests.items():
        yield f"code.{name}", digest
    for stage in record.stages:
        for one in stage.artifacts:
            size = f" ({one.rows:,} rows)" if one.rows is not None else ""
            yield f"value.{stage.stage}.{one.name}", f"{one.digest}{size}"
        if stage.verdicts:
            held = sum(one.success for one in stage.verdicts)
            yield f"verdicts.{stage.stage}", f"{held} of {len(stage.verdicts)} held"
    for name, version in record.versions.items():
        yield f"version.{name}", version
    kept = kept_of(Path(record.folder))
    for source in (kept.sources or ()) if kept else ():
        yield f"data.{Path(source.path).name}", source.digest


def _pictures(notebook: Path) -> Iterator[bytes]:
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", ()):
            picture = output.get("data", {}).get("image/png")
            if picture:
                yield base64.b64decode("".join(picture))


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text[:_LONGEST_PARAMETER]


def _milliseconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 1000)
