"""The plan of a benchmark: the measurements of a protocol, done and missing.

Three stages, each made of jobs. `calibration` times a step of each model, alone on the machine, and turns the
protocol's seconds into steps; a protocol that gives the steps themselves has none. `search` tries learning rates.
`runs` trains with the best one, seed by seed, and scores on the test clips, which no other stage sees.
"""

import dataclasses
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nextframe._utils.files import write_atomically
from nextframe.benchmark import fingerprints, protocols, results
from nextframe.models import BASELINES, UNTRAINED, model_functions

STAGES = ("calibration", "search", "runs")
_BASELINES, _UNTRAINED = ([model.__name__ for model in models] for models in (BASELINES, UNTRAINED))


@dataclasses.dataclass(frozen=True)
class Job:
    """One thing to measure, in a process of its own."""

    stage: str
    label: str  # the file's name within the stage's folder, without .json
    settings: dict  # arguments of the experiment; a stored measurement with others is outdated
    seconds: float  # about how long it trains

    @property
    def name(self) -> str:
        """Its name within the protocol's folder."""
        return f"{self.stage}/{self.label}"


class Benchmark:
    """The jobs of a protocol, and their stored measurements in a folder."""

    def __init__(self, protocol: str | os.PathLike, folder: str | os.PathLike = results.FOLDER):
        """Read a protocol.

        Args:
            protocol: As in `nextframe.benchmark.protocols.settings`.
            folder: Holds a folder for each protocol.
        """
        self.settings = protocols.settings(protocol)
        self.name = Path(protocol).name.removesuffix(".toml")
        self.folder = Path(folder) / self.name
        self.rows = {name: {"model": name} | row for name, row in self.settings["models"].items()}
        self.rows |= {name: {"model": name} for name in self.settings.get("baselines", _BASELINES)}
        unknown = {row["model"] for row in self.rows.values()} - set(model_functions())
        if unknown:
            known = ", ".join(model_functions())
            raise ValueError(f"protocol {protocol}: no model {', '.join(sorted(unknown))}; there is {known}")

    @property
    def weights_folder(self) -> Path:
        """Return the folder of the runs' weights, which for the package's own results lies outside of the package."""
        own = self.folder.parent.resolve() == results.FOLDER.resolve()
        return Path("_build") / "benchmark" / self.name if own else self.folder / "weights"

    @property
    def models(self) -> list[str]:
        """Return the names of the protocol's rows, baselines first (all of them by default)."""
        return sorted(self.rows, key=self._is_trained)

    def read(self, name: str) -> dict | None:
        """Return a stored measurement, or None."""
        try:
            return results.load(name, self.folder)
        except FileNotFoundError:
            return None

    def store(self, files: dict[str, bytes]) -> None:
        """Store what a job wrote, by its names: measurements in the folder, weights in `weights_folder`."""
        for name, content in sorted(files.items(), key=lambda file: file[0].endswith(".json")):  # weights first
            write_atomically((self.folder if name.endswith(".json") else self.weights_folder) / name, content)

    def outdated(self, job: Job) -> list[str] | None:
        """Compare the inputs of a job's stored measurement with those of today.

        Returns:
            Names of the inputs that have changed, such as "structure" or "learning_rate"; empty if the measurement
            still counts. None if nothing is stored.
        """
        stored = self.read(job.name)
        if stored is None:
            return None
        settings = stored["settings"]
        moved = sorted(name for name in settings | job.settings if settings.get(name) != job.settings.get(name))
        if moved:
            return moved
        kept = stored.get("fingerprint", {})
        today = fingerprints.today(job.settings)
        return sorted(name for name in today if kept.get(name) != today[name])

    def is_done(self, job: Job, or_outdated: bool = False) -> bool:
        """Whether a job's measurement is stored and still counts, or, with `or_outdated`, is stored at all."""
        outdated = self.outdated(job)
        return outdated is not None and (or_outdated or not outdated)

    def jobs(self, stage: str, models: Iterable[str], seeds: Iterable[int] | None = None) -> list[Job]:
        """All jobs of a stage, done or not, whose earlier stages are done."""
        jobs = []
        of_a_model = {"calibration": self._calibration, "search": self._search, "runs": self._runs}[stage]
        for model in models:
            jobs += of_a_model(model, self.inputs(model), seeds)
        return jobs

    def inputs(self, model: str) -> dict:
        """What a row's jobs of every stage have in common: its model, resolved arguments and task."""
        function = self.rows[model]["model"]
        arguments = fingerprints.resolved_arguments(function, protocols.arguments(self.rows[model]))
        task = self.settings["task"] | self.rows[model].get("task", {})
        reads_differences = model in self.settings["training"].get("on_differences", [])
        inputs = {"model": function, "arguments": arguments, "task": task}
        if conditions := self._training(model).get("conditions"):
            inputs["conditions"] = conditions
        return inputs | ({"differences": True} if reads_differences else {})

    def row_of(self, model: str, arguments: dict, **others: Any) -> str:
        """Return the row that trains a model with these arguments, all of them.

        Args:
            model, arguments: As in `inputs`.
            others: Other inputs that it must have; None for one that it must not have. Default: whichever it has.

        Raises:
            ValueError: No row does.
        """
        row = self.find_row(model, arguments, **others)
        if row is None:
            raise ValueError(f"protocol {self.name}: no row trains {model} with {arguments}")
        return row

    def find_row(self, model: str, arguments: dict, **others: Any) -> str | None:
        """Return the row that `row_of` returns, or None where it would raise."""
        wanted = {"model": model, "arguments": arguments} | others
        for row in self.rows:
            inputs = self.inputs(row)
            if all(inputs.get(name) == value for name, value in wanted.items()):
                return row
        return None

    def steps(self, model: str) -> int | None:
        """Number of steps in the protocol's seconds, or None if the model has not been calibrated."""
        training = self._training(model)
        if "steps" in training:
            return training["steps"]
        timed = self._timed(model)
        return _cut(training["seconds"] / timed["seconds_per_step"], training["rounds"]) if timed else None

    def tried(self, model: str) -> dict[float, float]:
        """Return the learning rates that a row has tried, each with its error on the validation clips.

        That of its best round. A constant rate is judged by its last round, since what it learns it must also keep.

        Returns:
            Rate → mean squared error of pixels 0..1, or a classifier's cross-entropy; infinite where training diverged.
        """
        rates = self._searched(model)["learning_rates"]
        tried = {rate: found for rate in rates if (found := self.read(f"search/{model}-{rate:g}"))}
        is_constant = self._schedule(model).get("schedule") == "constant"
        losses = {rate: (of["history"][-1] if is_constant else of)["validation"] for rate, of in tried.items()}
        return {rate: math.inf if loss is None else loss for rate, loss in losses.items()}

    def learning_rate(self, model: str) -> float | None:
        """The rate with the lowest error on the validation clips, or None if some have not been tried."""
        tried = self.tried(model)
        return min(tried, key=tried.__getitem__) if len(tried) == len(self._searched(model)["learning_rates"]) else None

    def takes_an_edge(self, model: str) -> bool:
        """Whether that rate is the lowest or the highest that was tried, so that a better one may lie beyond it."""
        rates = self._searched(model)["learning_rates"]
        return self.learning_rate(model) in (min(rates), max(rates))

    def _is_trained(self, model: str) -> bool:
        return self.rows[model]["model"] not in _UNTRAINED

    def _training(self, model: str) -> dict:
        return self.settings["training"] | self.rows[model].get("training", {})

    def _searched(self, model: str) -> dict:
        return self.settings["search"] | self.rows[model].get("search", {})

    def _timed(self, model: str) -> dict | None:
        """The calibration of a row, or, in a protocol with a base, of a base's row of the same model."""
        if "base" not in self.settings:
            return self.read(f"calibration/{model}")
        inputs = {"differences": None} | _without_conditions(self.inputs(model))
        bases = [Benchmark(name, self.folder.parent) for name in self.settings["base"]]
        for base in bases:
            if row := base.find_row(**inputs):
                return base.read(f"calibration/{row}")
        names = " or ".join(base.name for base in bases)
        raise ValueError(
            f"protocol {self.name}: {model} is no row of its base {names}, which would say how many steps its seconds "
            f"are: give its steps, or add the row to {names}"
        )

    def _schedule(self, model: str) -> dict:
        training = self._training(model)
        return {"rounds": training["rounds"]} | {name: training[name] for name in ("schedule",) if name in training}

    def _seconds(self, model: str) -> float:
        """About how long it trains, for the time left: steps of a protocol without seconds are taken for equal."""
        training = self._training(model)
        return training.get("seconds") or 0.03 * training["steps"]

    def _calibration(self, model: str, inputs: dict, seeds: Iterable[int] | None) -> list[Job]:
        if not self._is_trained(model) or "steps" in self._training(model) or "base" in self.settings:
            return []
        inputs = _without_conditions(inputs)
        yardstick = self.settings["training"].get("yardstick")
        return [Job("calibration", model, inputs | ({"yardstick": yardstick} if yardstick else {}), 20)]

    def _search(self, model: str, inputs: dict, seeds: Iterable[int] | None) -> list[Job]:
        search, schedule, steps = self._searched(model), self._schedule(model), self.steps(model)
        if not self._is_trained(model) or steps is None:
            return []
        settings = inputs | schedule | {"steps": _cut(search["share"] * steps, schedule["rounds"]), "seed": 0}
        seconds = search["share"] * self._seconds(model)
        return [
            Job("search", f"{model}-{rate:g}", settings | {"learning_rate": rate}, seconds)
            for rate in search["learning_rates"]
        ]

    def _runs(self, model: str, inputs: dict, seeds: Iterable[int] | None) -> list[Job]:
        training = self._training(model)
        settings = inputs | {"horizon": training["horizon"]}
        if not self._is_trained(model):
            return [Job("runs", model, settings, 1)]
        steps, rate = self.steps(model), self.learning_rate(model)
        if steps is None or rate is None:
            return []
        settings |= self._schedule(model) | {"steps": steps, "learning_rate": rate}
        seeds = training["seeds"] if seeds is None else seeds
        return [Job("runs", f"{model}-{seed}", settings | {"seed": seed}, self._seconds(model)) for seed in seeds]


def _cut(steps: float, rounds: int) -> int:
    """Whole rounds, at least one step each."""
    return max(int(steps) // rounds, 1) * rounds


def _without_conditions(inputs: dict) -> dict:
    """What a step's seconds depend on: conditions cost nothing, or, as rollouts, are counted by their frames."""
    return {name: value for name, value in inputs.items() if name != "conditions"}
