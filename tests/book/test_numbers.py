"""The numbers that the verdict's pages print are those of the files, read here without the library's help."""

import functools
import json
import re
import tomllib
from pathlib import Path

import nbformat
import numpy as np
import pytest
import video_network

import nextframe
from nextframe import forecasting, metrics, windows
from nextframe.benchmark import results, tasks
from nextframe.datasets import moving_digits
from nextframe.scenes import scene_cuts, split_scenes
from nextframe.video import evidence

ROOT = Path(__file__).resolve().parents[2]


def tables(chapter: str) -> dict[str, dict[str, dict[str, str]]]:
    """All tables in a chapter's stored outputs: corner → row → column → what it says."""
    found = {}
    for cell in nbformat.read(ROOT / "notebooks" / f"{chapter}.ipynb", as_version=4).cells:
        for output in cell.get("outputs", []):
            lines = output.get("data", {}).get("text/markdown", "").splitlines()
            if not lines:
                continue
            (corner, *columns), _, *rows = [[part.strip() for part in line.split("|")[1:-1]] for line in lines]
            found[corner] = {row[0]: dict(zip(columns, row[1:], strict=True)) for row in rows}
    return found


def runs(protocol: str) -> dict[str, list[dict]]:
    """Every stored run of a protocol, by the name that its model has on the page."""
    found = {}
    for path in sorted((ROOT / "nextframe" / "results" / protocol / "runs").glob("*.json")):
        run = json.loads(path.read_text(encoding="utf-8"))
        row = re.sub(r"-\d+$", "", path.stem)  # which may be a variant of a model
        found.setdefault(row.replace("_", " "), []).append(run)
    return found


def says(text: str, values: list[float]) -> bool:
    """Whether a cell of a table gives the mean of these values, and half of what lies between them."""
    mean, *spread = re.split(" ± ", text)
    places = len(mean.partition(".")[2])
    half = 10**-places / 2 + 1e-9
    wrong = [abs(float(mean) - np.mean(values)), *[abs(float(part) - np.ptp(values) / 2) for part in spread]]
    return bool(max(wrong) <= half)


@pytest.mark.parametrize("chapter", ["09_verdict", "12_after_2017"])
def test_the_leaderboard_is_the_files(chapter):
    stored = runs("digits-32")
    if chapter == "12_after_2017":  # one size of each newcomer was trained at length
        stored |= {of_one[0]["settings"]["model"]: of_one for of_one in runs("digits-32-after-2017").values()}
    page = tables(chapter)["one frame ahead"]
    assert set(page) == set(stored)
    for name, row in page.items():
        scores = [run["scores"]["all"] for run in stored[name]]
        assert len(scores) == 3 or stored[name][0]["parameters"] == 0
        assert row.get("seeds", f"{len(scores)}") == f"{len(scores)}"
        assert says(row["MSE per frame"], [score["MSE per frame"][0] for score in scores]), name
        assert says(row["skill"], [score["skill"][0] for score in scores]), name
        low, high = map(float, row["95 % over clips"].split(" to "))
        errors = np.mean([run["clip_mse"] for run in stored[name] if "clip_mse" in run], axis=0)  # of each test clip
        half = 1.96 * errors.std() / np.sqrt(len(errors))
        assert abs((low + high) / 2 - errors.mean()) < 0.2 * half + 0.01, name
        assert abs((high - low) / 2 - half) < 0.1 * half + 0.01, name
        assert row["parameters"] == f"{stored[name][0]['parameters']:,}"


PLACES = {
    **{f"drawn again, {number}": {"seed": 100 + number} for number in (1, 2)},
    **{f"walls at {pixels}": {"walls": pixels} for pixels in (1, 2, 3)},
    "40 × 40": {"canvas": 40},
}


def window_errors(run: dict, place: str) -> np.ndarray | None:
    """Of each test clip; None where the run was not scored."""
    kept = run if place == "the table's" else run["elsewhere"][place]
    return kept and np.array(kept["clip_mse"])


@functools.cache
def corners(place: str) -> np.ndarray:
    """Of both digits in each test clip, in the last frames before the forecast one and in that: `(clips, 2, 3, 2)`."""
    drawn = {"canvas": 32, "digit_size": 16, "speed": (1, 2.5), "split": "test"} | PLACES.get(place, {})
    return moving_digits.paths(500, 20, **drawn)[:, :, 8:11]


def bounces(place: str) -> np.ndarray:
    """In which test clips a digit turns around in one of the last two steps: its velocity is another one."""
    steps = np.diff(corners(place), axis=2)
    return ~np.isclose(steps[:, :, 0], steps[:, :, 1]).all(axis=(1, 2))


def test_the_kinds_of_motion_are_the_files():
    """Which clip is of which kind is found here from the digits' corners."""
    here = corners("the table's")[:, :, -1]
    near = (np.abs(here[:, 0] - here[:, 1]) < 8).all(axis=-1) & ~bounces("the table's")
    kinds = {"free flight": ~near & ~bounces("the table's"), "overlap": near, "bounce": bounces("the table's")}
    stored = runs("digits-32")
    page = tables("09_verdict")["MSE per frame, of clips with"]
    assert set(page) == set(stored)
    for name, row in page.items():
        assert set(row) == set(kinds)
        for kind, which in kinds.items():
            values = [window_errors(run, "the table's")[which].mean() for run in stored[name]]
            assert says(row[kind], values), (name, kind)


def test_other_walls_are_the_files():
    stored = runs("digits-32")
    page = tables("09_verdict")["MSE per frame, on clips"]
    assert set(page) == set(stored)
    for name, row in page.items():
        assert set(row) == {"the table's", *PLACES}
        for place, text in row.items():
            errors = [window_errors(run, place) for run in stored[name]]
            if text == "–":
                assert errors == [None, None, None], (name, place)
                assert name in ("dense lstm", "conv then lstm", "stacked hybrid")  # weights that fit one size
            else:
                assert says(text, [each.mean() for each in errors]), (name, place)


def test_the_lead_is_the_files():
    """Whose error the forecaster's is divided by is the lowest of all others, clip by clip as the page has it."""
    stored = runs("digits-32")
    page = tables("09_verdict")["forecaster ÷ best other"]
    assert list(page) == ["the table's", *PLACES]
    for place, row in page.items():
        turns = bounces(place)
        assert row.pop("share that bounce") == f"{turns.mean():.0%}"
        assert set(row) == {"all clips", "no bounce", "a bounce"}
        for column, which in {"all clips": turns | True, "no bounce": ~turns, "a bounce": turns}.items():
            error = {}
            for name, of_one in stored.items():
                found = [window_errors(run, place) for run in of_one]
                if found[0] is not None:
                    error[name] = np.mean(found, axis=0)[which].mean()
            ours = error.pop("forecaster")
            ratio, other = re.fullmatch(r"([\d.]+) \((.+?)(?:, level)?\)", row[column]).groups()
            assert other == min(error, key=error.get), (place, column)
            assert says(ratio, [ours / error[other]]), (place, column)


def test_the_page_is_right_about_walls():
    """What it says in words: the lead stays without a bounce, and is gone with one between walls that have moved."""
    page = tables("09_verdict")["forecaster ÷ best other"]
    ratio = {
        place: {column: float(text.split()[0]) for column, text in row.items() if "(" in text}
        for place, row in page.items()
    }
    assert max(row["no bounce"] for row in ratio.values()) < 5 / 6
    home = ratio["the table's"]["all clips"]
    assert 0.69 < home < 0.71
    assert all(ratio[f"drawn again, {n}"]["all clips"] <= home for n in (1, 2))
    assert ratio["40 × 40"]["all clips"] < home
    assert ratio["40 × 40"]["a bounce"] < ratio["the table's"]["a bounce"]
    assert 0.92 < ratio["walls at 1"]["all clips"] < 0.94
    for pixels in (2, 3):
        assert page[f"walls at {pixels}"]["all clips"].endswith("(time distributed)")
        assert ratio[f"walls at {pixels}"]["all clips"] > 1
    for pixels in (1, 2, 3):
        said = page[f"walls at {pixels}"]["a bounce"]
        assert "level" in said or float(said.split()[0]) > 1


def test_sizes_are_the_files():
    """One seed of each size; and the worst forecaster is ahead of the best of every other kind."""
    found = {}
    for path in (ROOT / "nextframe" / "results" / "digits-32-sizes" / "runs").glob("*-0.json"):
        run = json.loads(path.read_text(encoding="utf-8"))
        model = run["settings"]["model"]
        size = path.stem.removesuffix("-0").removeprefix(f"{model}-")
        found.setdefault(model.replace("_", " "), {})[size] = 1024 * run["validation"]
    page = tables("09_verdict")["validation, by size"]
    assert set(page) == set(found)
    for name, row in page.items():
        errors = found[name]
        assert int(row["sizes"]) == len(errors)
        assert says(row["the worst row"], [max(errors.values())])
        assert says(row["the best"], [min(errors.values())])
        assert row["which"] == min(errors, key=errors.get)
        by_hand = float(row["chosen by hand"])
        assert float(row["the best"]) <= by_hand < 1.1 * float(row["the best"])
    ours = found.pop("forecaster")
    assert max(ours.values()) < min(min(errors.values()) for errors in found.values())


def test_the_chooser_takes_nothing_that_its_tables_show_to_lose():
    """Nothing else in the table is better at what a need counts, and nothing that learned nothing is better at all."""
    page = tables("09_verdict")
    take = {need: row["take"] for need, row in page["you need"].items()}
    stored = runs("digits-32")
    number = {
        name: {"error": np.mean([run["scores"]["all"]["MSE per frame"][0] for run in of_one])}
        for name, of_one in stored.items()
    }
    for name, of_one in stored.items():
        number[name]["parameters"] = of_one[0]["parameters"]
        number[name] |= {
            metric: np.mean([run["scores"]["all"][metric][9] for run in of_one])
            for metric in ("MSE per frame", "energy")
        }
    untrained = {name for name in number if number[name]["parameters"] == 0}
    free = min(untrained, key=lambda name: number[name]["error"])
    assert take["a CPU and minutes to train"] == min(number, key=lambda name: number[name]["error"])
    assert take["no time to train, walls at the edges"] == free
    sizes = {row: run for row, (run, *_) in (runs("digits-32-sizes") | stored).items()}
    good = {
        row: run
        for row, run in sizes.items()
        if run["parameters"] and run["scores"]["all"]["MSE per frame"][0] < number[free]["error"]
    }
    for need, cost in {"a forecast must be cheap": "forward_flops", "weights must be few": "parameters"}.items():
        assert take[need] == min(good, key=lambda row: good[row][cost])
    bright = {name for name in number if 0.5 < number[name]["energy"] < 1.5}
    assert take["ten frames"] == min(bright, key=lambda name: number[name]["MSE per frame"])
    real = {
        name: float(row["÷ flow"].split()[0]) for name, row in page["error ÷ flow's; of each clip ÷ copying's"].items()
    }
    assert take["a real video"] == min(real, key=real.get)
    learned = set(stored) - untrained | {"flow unet", "without flow"}
    assert take["a real video, no time to train"] == min(set(real) - learned, key=real.get)
    contests = evidence.load_contests(128, "trained")
    assert evidence.interval(contests, "network", "optical_flow")[1] < 1
    remembered = dict(re.findall(r"(LSTM|GRU) ([\d.]+)", page["you need"]["a long memory"]["because"]))
    assert take["a long memory"] == max(remembered, key=remembered.get)


def test_real_clips_are_the_files():
    stored = runs("clips-64")
    page = tables("09_verdict")["error ÷ flow's; of each clip ÷ copying's"]
    fitted = {name: page.pop(name) for name in ("half extrapolation", "scaled flow", "carried flow")}  # in the page
    assert float(fitted["scaled flow"]["÷ flow"]) <= 1  # where 1 is one of the factors it is fitted from
    assert set(page) == set(stored)
    protocol = tomllib.loads((ROOT / "nextframe" / "benchmark" / "clips-64.toml").read_text())
    names = protocol["task"]["names"]

    def errors(name):
        """Of each run and clip."""
        return np.array([[run["scores"][clip]["MSE per frame"][0] for clip in names] for run in stored[name]])

    def windows(name):
        """Of each test window, which the page adds up."""
        return np.mean([run["clip_mse"] for run in stored[name]], axis=0)

    groups, flow = tasks.load_task(**protocol["task"]).groups, errors("optical flow")
    for name, row in page.items():
        assert len(stored[name]) == (
            len(protocol["training"]["seeds"]) if name.replace(" ", "_") in protocol["models"] else 1
        )
        assert says(row["÷ flow"], np.exp(np.log(errors(name) / flow).mean(axis=1))), name
        shares = {clip: windows(name)[part].sum() / windows("copy last")[part].sum() for clip, part in groups.items()}
        assert {clip: says(row[clip], [share]) for clip, share in shares.items()} == dict.fromkeys(names, True), name


def test_the_horizon_is_the_files():
    stored = runs("digits-32")
    page = tables("10_beyond_one_frame")["MSE per frame"]
    assert set(page) == set(stored)
    for name, row in page.items():
        for column, text in row.items():
            ahead = int(column.removesuffix(" ahead"))
            values = [run["scores"]["all"]["MSE per frame"][ahead - 1] for run in stored[name]]
            assert says(text, values), (name, column)


def test_the_dimming_is_the_files():
    """What the best factor leaves is the truth's energy, less what forecast and truth share."""
    stored = runs("digits-32")
    page = tables("10_beyond_one_frame")["ten frames ahead"]
    empty = stored["black"][0]["scores"]["all"]["MSE per frame"][9]
    assert set(page) == {name for name in stored if len(stored[name]) == 3}
    for name, row in page.items():
        scores = [run["scores"]["all"] for run in stored[name]]
        error = np.array([score["MSE per frame"][9] for score in scores])
        energy = np.array([score["energy"][9] for score in scores]) * empty
        product = (empty + energy - error) / 2  # of forecast and truth, since error is their squared difference
        assert says(row["error"], error), name
        assert says(row["best factor"], product / energy), name
        assert says(row["error, dimmed by it"], empty - product**2 / energy), name


@pytest.mark.parametrize(("text", "right"), [("2.0 ± 0.5", True), ("2.1 ± 0.5", False), ("2.0 ± 0.4", False)])
def test_a_wrong_number_is_noticed(text, right):
    assert says(text, [1.5, 2.0, 2.5]) is right


def test_the_first_page_is_right_about_the_best():
    """It names the network that moves pixels: no seed of another does as well as its worst."""
    stored = runs("digits-32")
    first = {name: [run["scores"]["all"]["MSE per frame"][0] for run in of_one] for name, of_one in stored.items()}
    ours = first.pop("forecaster")
    assert max(ours) < min(error for errors in first.values() for error in errors)


def test_the_first_page_is_right_about_the_last():
    """Its figure's description: what is behind optical flow."""
    stored = runs("digits-32")
    error = {name: np.mean([run["scores"]["all"]["MSE per frame"][0] for run in stored[name]]) for name in stored}
    behind = {name for name in error if error["optical flow"] < error[name] < error["copy last"]}
    assert behind == {"dense lstm", "conv then lstm"}


@pytest.mark.parametrize("size", [64, 128])
def test_the_first_page_is_right_about_real_clips(size):
    """On clips that it never saw it beats optical flow, and by more after training on a clip's own first part."""
    means = {}
    for how in ("unseen", "trained"):
        contests = evidence.load_contests(size, how)
        means[how] = evidence.geometric_mean(evidence.ratios(contests, "network", "optical_flow"))
        assert evidence.interval(contests, "network", "optical_flow")[1] < 1
    assert means["trained"] < means["unseen"]


def test_the_verdict_is_right_about_the_parts_of_the_winner():
    parts = runs("digits-32-parts")

    def error(row, where=None):
        scores = [run["elsewhere"][where] if where else run["scores"]["all"] for run in parts[row]]
        return np.mean([np.ravel(of["MSE per frame"])[0] for of in scores])

    order = sorted(parts, key=error)
    assert (order[0], order[-2:]) == ("whole", ["two frames", "no lower resolution"])
    assert error("no lower resolution") > 1.6 * error("whole")
    assert min(parts, key=lambda row: error(row, "walls at 2")) == "no lower resolution"
    assert abs(error("no motion") - error("motion kernels")) < 0.03 < 0.3 < error("no motion") - error("whole")
    plain = [run["scores"]["all"]["MSE per frame"][0] for run in runs("digits-32")["frames as channels"]]
    assert error("motion kernels alone") < min(plain)


def test_the_live_page_is_right_about_shifts():
    """Whose error grows most by a small shift, and by a large one; as its script does it, what moves in is black."""
    task = tasks.digits_32()
    context, truth = task.context[:150, ..., 0], task.truth[:150, ..., 0]

    def shifted(frames, by):
        moved = np.roll(frames, by, axis=-1)
        moved[..., slice(by) if by >= 0 else slice(by, None)] = 0
        return moved

    def error(name, by):
        """Of the forecasts of a picture that is shifted by so many pixels to either side, moved back."""
        both = [
            shifted(forecasting.predict_next(networks[name], shifted(context, way)[..., None])[..., 0].clip(0, 1), -way)
            for way in (by, -by)
        ]
        return np.mean([np.square(forecast - truth).sum(axis=(1, 2)).mean() for forecast in both])

    networks = {name: nextframe.load(name) for name in ("forecaster", "dense_lstm", "frames_as_channels", "conv3d")}
    at = {by: {name: error(name, by) for name in networks} for by in (0, 1, 2, 6)}
    growth = {by: {name: at[by][name] - at[0][name] for name in networks} for by in (1, 2, 6)}
    most = {by: max(found, key=found.get) for by, found in growth.items()}
    assert most == {1: "forecaster", 2: "forecaster", 6: "dense_lstm"}
    assert at[0]["forecaster"] < 0.8 * at[0]["frames_as_channels"]
    assert 0.9 * at[2]["frames_as_channels"] < at[2]["forecaster"] < at[2]["frames_as_channels"]
    assert all(min(found, key=found.get) == "conv3d" for found in growth.values())


def test_the_live_page_is_right_about_the_bottle():
    """Its network of real video errs hardly more than the one with flow, on windows that neither has seen."""
    network, frames = video_network.load(64), video_network.FRAMES
    whole = tasks.read_real_clip("bottle", 64)
    ratios = []
    for percent in (50, 70, 100):  # of the clip, as in tools/measure_video.py
        clip = whole[: round(percent / 100 * len(whole))]
        stretches = split_scenes(clip, scene_cuts(clip), frames).test
        errors = []
        for stretch in filter(tasks.something_moves, stretches):
            seen = windows.to_unit(stretch)
            context = np.stack([seen[start : start + frames] for start in range(len(seen) - frames)])
            forecast = forecasting.predict_next(network, context).clip(0, 1)
            errors += metrics.mse(seen[frames:], forecast).tolist()
        with_flow = results.load(f"bottle-64-{percent}-unseen", evidence.FOLDER)["test"]["network"]
        assert len(errors) == len(with_flow)
        ratios.append(np.mean(errors) / np.mean(with_flow))
    assert 0.9 < np.exp(np.mean(np.log(ratios))) < 1.1


def test_the_numbers_of_the_first_page_are_the_files():
    """The shares of copying's error that are left, and the training that each of them took."""
    page = (ROOT / "book" / "figures" / "numbers.html").read_text()
    assert (ROOT / "book" / "intro.md").read_text().count(":file: figures/numbers.html") == 1
    errors, seconds = {}, set()
    for path in (ROOT / "nextframe" / "results" / "video").glob("*-128-*.json"):
        stored = json.loads(path.read_text())
        seconds.add(stored["training_seconds"])
        for name in ("network", "optical_flow", "copy_last"):
            of_clip = errors.setdefault((stored["training_seconds"] > 0, name), {})
            of_clip[stored["clip"]] = of_clip.get(stored["clip"], 0) + sum(stored["test"][name])

    def left(trained, name):
        copied = errors[trained, "copy_last"]
        return np.exp(np.mean([np.log(error / copied[clip]) for clip, error in errors[trained, name].items()]))

    digits = {
        name: np.mean([run["scores"]["all"]["MSE per frame"][0] for run in of_one])
        for name, of_one in runs("digits-32").items()
    }
    best = min(digits, key=digits.get)
    assert best == "forecaster"  # which moves pixels, and corrects
    shares = [left(False, "network"), left(True, "network"), digits[best] / digits["copy last"]]
    assert re.findall(r"<dt>(.*?)</dt>", page) == [f"{share:.0%}" for share in shares]
    assert f"leaves {left(False, 'optical_flow'):.0%}" in page
    assert f"on {len(errors[False, 'network'])} real videos" in page
    settings = tomllib.loads((ROOT / "nextframe" / "benchmark" / "digits-32.toml").read_text())
    assert f"{settings['training']['seconds'] / 60:g} minutes" in page
    assert seconds == {0, int(re.search(r"(\d+) seconds", page)[1])}


def test_the_newcomers_are_the_files():
    """What each reaches after a tenth of its steps, and how many these three minutes hold."""
    page = tables("12_after_2017")["after a tenth of the steps"]
    copied = json.loads((ROOT / "nextframe" / "results" / "digits-32" / "runs" / "copy_last.json").read_text())
    assert copied["parameters"] == 0
    found = {}
    for protocol in ("digits-32-after-2017", "digits-32"):
        folder = ROOT / "nextframe" / "results" / protocol
        names = tomllib.loads((ROOT / "nextframe" / "benchmark" / f"{protocol}.toml").read_text())["models"]
        for name in names:
            tried = [json.loads(path.read_text()) for path in folder.glob(f"search/{name}-[0-9]*.json")]
            tried = [run for run in tried if run["settings"]["model"] == names[name].get("model", name)]
            if tried:
                best = min(tried, key=lambda run: run["validation"])
                timed = json.loads((folder / "calibration" / f"{name}.json").read_text())
                found[name.replace("_", " ")] = best["validation"], best["settings"]["learning_rate"], timed
    assert set(page) == set(found)
    assert list(page) == sorted(found, key=lambda name: found[name][0])
    for name, (_, rate, timed) in found.items():
        assert page[name]["rate"].rstrip("*") == f"{rate:g}"
        assert page[name]["ms a step"] == f"{1000 * timed['seconds_per_step']:.0f}"
        assert int(page[name]["steps"].replace(",", "")) == int(180 / timed["seconds_per_step"]) // 10 * 10
        assert page[name]["parameters"] == f"{timed['parameters']:,}"


BUDGETS = {"20 s": "-20", "1 min": "-60", "10 min": "-600"}  # of chapter 12: what a row's name ends in


def test_the_budgets_are_the_files():
    """Trained as a whole for each length; those of three minutes are the rows of the table before."""
    page = tables("12_after_2017")["error ÷ the forecaster's, after"]
    stored, newer = runs("digits-32-budgets"), runs("digits-32-after-2017")
    three = runs("digits-32") | {of_one[0]["settings"]["model"]: of_one for of_one in newer.values()}
    names = {of_one[0]["settings"]["model"]: row for row, of_one in newer.items()}
    assert len(page) == len({re.sub(r"-\d+$", "", row) for row in stored}) == 5
    errors = {}
    for name in page:
        of_length = {label: stored.get(names.get(name, name) + ends, []) for label, ends in BUDGETS.items()}
        for label, of_one in (of_length | {"3 min": three[name]}).items():
            errors[name, label] = [run["scores"]["all"]["MSE per frame"][0] for run in of_one]
    for (name, label), found in errors.items():
        said = f"{np.mean(found) / np.mean(errors['forecaster', label]):.2f}" if found else "–"
        assert page[name][label] == said, (name, label)


def test_the_newcomers_page_is_right_about_more_time():
    """What it says in words: from three minutes to ten SimVP's error is halved, and then it is level with a Conv2D."""

    def error(protocol, row):
        return np.mean([run["scores"]["all"]["MSE per frame"][0] for run in runs(protocol)[row]])

    three, ten = error("digits-32-after-2017", "simvp-tau"), error("digits-32-budgets", "simvp-tau-600")
    forecaster, later = error("digits-32", "forecaster"), error("digits-32-budgets", "forecaster-600")
    assert ten == pytest.approx(three / 2, rel=0.05)
    conv2d = error("digits-32", "frames as channels"), error("digits-32-budgets", "frames as channels-600")
    assert ten == pytest.approx(conv2d[1], rel=0.05)
    assert conv2d[0] < three
    assert three / forecaster == pytest.approx(2, abs=0.2)
    assert 1.25 < ten / later < 1.33


def test_the_literatures_task_is_the_files():
    page, stored = tables("12_after_2017")["clips drawn here, one seed"], runs("moving-mnist-64-drawn")
    assert page.keys() == stored.keys()
    for name, (run,) in stored.items():
        errors = run["scores"]["all"]["MSE per frame"]
        columns = {"MSE, ten frames": np.mean(errors), "the first": errors[0], "the tenth": errors[9]}
        for column, value in columns.items():
            assert says(page[name][column], [value]), (name, column)
        assert page[name]["steps"] == (f"{run['settings']['steps']:,}" if run["history"] else "–")
    errors = {name: np.array(run["scores"]["all"]["MSE per frame"]) for name, (run,) in stored.items()}
    assert list(page) == sorted(errors, key=lambda name: errors[name].mean())
    for name, row in tables("12_after_2017")["the shortest training published"].items():
        assert says(row["MSE here"], [errors[name].mean()]), name
        assert float(row["MSE here"]) > 3 * float(row["published"]), name
        assert int(row["operations of training, times"].replace(",", "")) > 10_000, name
    # in words: who is behind whom, and that only one network stays below a black frame
    trained = [name for name, (run,) in stored.items() if run["history"]]
    assert [name for name in trained if errors[name][9] < errors["black"][9]] == ["forecaster"]
    assert max(errors[name][0] for name in trained) < errors["copy last"][0] / 2
    newcomers = [errors[name][0] for name in ("simvp-tau", "predrnn", "predformer")]
    assert errors["forecaster"][0] < errors["frames as channels"][0] < min(newcomers)
    assert newcomers[1] < errors["optical flow"][0] < min(newcomers[0], newcomers[2])
    assert errors["simvp-tau"][9] / errors["simvp-tau"][0] == pytest.approx(15, abs=0.5)
    assert errors["forecaster"].mean() / errors["black"].mean() == pytest.approx(0.5, abs=0.02)


def test_many_futures_is_right_about_what_lasts():
    """Draws soften by a fifth in ten steps; who has read its own frames shows the digit about twice as long."""
    stored = runs("many-futures")

    def along(row, metric):
        return np.mean([run["scores"][metric] for run in stored[row]], axis=0)

    ends = [along("many futures", metric)[9] for metric in ("energy", "sharpness")]
    assert [1 - end for end in ends] == pytest.approx([0.2, 0.2], abs=0.05)

    def lasts(row):
        failed = [
            (np.array(run["scores"]["long digit"]) < 0.5) | (abs(np.log2(run["scores"]["long energy"])) > 1)
            for run in stored[row]
        ]
        return [int(np.argmax(each)) if each.any() else len(each) for each in failed]

    few, ten = (max(max(lasts(row)) for row in rows) for rows in (["flow matching", "mean cnn"], ["forecaster"]))
    assert few < ten <= 10
    assert 1.6 < np.mean(lasts("many futures")) / np.mean(lasts("single frames")) < 2.6
    assert min(min(lasts(row)) for row in ("many futures", "single frames", "context noise")) > 1.5 * ten
    assert max(along(row, "long digit")[59] for row in stored if row != "copy last") < 0.5


WORLDS = {  # as chapter 14 calls them
    "squared error": "squared error",
    "cross-entropy, as yours": "short",
    "cross-entropy": "cross entropy",
    "+ context noise": "noise",
    "+ rollouts": "rollouts",
    "+ rounded rollouts": "rounded rollouts",
    "+ rare moments": "rare moments",
    "+ rare moments, longer": "steerable",
    "copying": "copy last",
}


def test_the_worlds_are_the_files():
    stored, page = runs("steerable"), tables("14_a_world_you_steer")["rounded in use"]
    assert set(page) == {*WORLDS, "the game itself"}
    columns = {"paddle, 100": ("paddle within 1 px", 100), "game's ball, 100": ("follows the ball", 100)}
    columns |= {f"one ball, {frame}": ("one ball", frame) for frame in (10, 30, 100, 300)}
    for label, row in WORLDS.items():
        assert len(stored[row]) == (1 if label == "copying" else 3)
        for column, (name, frame) in columns.items():
            shares = [run["drift"]["rounded"][name][frame - 1] for run in stored[row]]
            assert says(page[label][column], shares), (label, column)
    assert set(page["the game itself"].values()) == {"1.00"}


def test_the_world_that_ships_lasts_for_a_hundred_frames():
    """With any seed, its frames fed back as they are."""
    for run in runs("steerable")["steerable"]:
        drift = run["drift"]["as they are"]
        assert drift["paddle within 1 px"][99] >= 0.95
        assert drift["one ball"][99] >= 0.8


def test_the_rollouts_are_the_files():
    """Ten frames ahead the winner, trained on rollouts, has a lower error than a plain Conv2D trained so has."""
    page = tables("10_beyond_one_frame")
    stored = {"one frame": runs("digits-32")["forecaster"], **runs("digits-32-rollouts")}
    assert set(page["the forecaster, trained on"]) == set(stored)
    for label, row in page["the forecaster, trained on"].items():
        errors = [run["scores"]["all"]["MSE per frame"] for run in stored[label]]
        assert len(errors) == 3
        for ahead in (1, 2, 5, 10):
            assert says(row[f"{ahead} ahead"], [error[ahead - 1] for error in errors]), label
        assert says(row["mean of ten"], np.mean(errors, axis=1).tolist()), label
    tenth = [run["scores"]["all"]["MSE per frame"][9] for run in stored["rollouts of 5"]]
    assert max(tenth) < float(page["on test digits"]["trained on rollouts"]["10 ahead"])
