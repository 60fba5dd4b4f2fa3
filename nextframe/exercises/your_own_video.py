"""Exercises of chapter 11: repeats, still video, and mixing proposals."""

import keras
import numpy as np

from nextframe import metrics
from nextframe.exercises._networks import check_layer
from nextframe.exercises.exercise import Exercise
from nextframe.forecasting import predict_next
from nextframe.models import build
from nextframe.windows import sliding_windows, to_unit


def _repeats(clip: np.ndarray) -> int:
    return sum(bool(np.array_equal(before, after)) for before, after in zip(clip[:-1], clip[1:], strict=True))


def _some_repeat() -> np.ndarray:
    clip = np.random.default_rng(0).integers(0, 255, (7, 2, 2)).astype(np.uint8)
    clip[3], clip[6] = clip[2], clip[5]
    clip[4, 0] = clip[3, 0]  # half of a frame is no repeat
    return clip


def _no_short_cut() -> np.ndarray:
    """Changes that cancel, a frame that returns later, a repeat, and changes of one pixel in either direction."""
    return np.array([[5, 9], [9, 5], [5, 9], [5, 9], [5, 8], [6, 8]], np.uint8).reshape(6, 1, 2)


def _skill_where_every_second_repeats() -> float:
    """Of linear extrapolation, on a clip that brightens evenly and shows each frame twice."""
    clip = (4 * np.arange(40).repeat(2)).astype(np.uint8).reshape(80, 1, 1)
    context, target = map(to_unit, sliding_windows(clip, 2))
    forecast = predict_next(build("linear_extrapolation", context.shape[1:]), context)
    return metrics.skill(target[:, 0], forecast, context[:, -1])


def _bias_free(context_shape: tuple[int, ...]) -> keras.Model:
    context = keras.Input(context_shape)
    last = context[:, -1]
    x = keras.ops.transpose(8 * (context[:, :-1] - context[:, -1:])[..., 0], (0, 2, 3, 1))
    x = keras.layers.Conv2D(8, 3, padding="same", activation="relu", use_bias=False)(x)
    return keras.Model(context, last + keras.layers.Conv2D(1, 3, padding="same", use_bias=False)(x) / 8)


def _on_still_video(model: keras.Model) -> dict[str, float]:
    """How far the forecast of a still video leaves its last frame, and whether training changes that of another."""
    check_layer(model)
    random = np.random.default_rng(0)

    def train() -> None:
        model.set_weights([random.normal(0, 0.1, weights.shape) for weights in model.get_weights()])

    train()
    picture = random.random((1, 1, *model.input_shape[2:])).astype("float32")
    context = picture.repeat(model.input_shape[1], axis=1)
    away = np.abs(keras.ops.convert_to_numpy(model(context)) - picture[:, 0]).max()
    context[:, 0] *= 0.5
    before = keras.ops.convert_to_numpy(model(context))
    train()
    learns = not np.allclose(keras.ops.convert_to_numpy(model(context)), before, atol=1e-6)
    return {"largest change forecast for a still video": float(away), 'answer to "can it learn from changes?"': learns}


def _mix(last: np.ndarray, proposals: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """What is left of the weights stands still."""
    still = 1 - weights.sum(axis=0)
    return still * last + sum(weight * proposal for weight, proposal in zip(weights, proposals, strict=True))


def _proposed(seed: int, *shape: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    last, proposals = random.random(shape).round(1), random.random((3, *shape)).round(1)
    weights = random.random((4, *shape))
    return last, proposals, (weights / weights.sum(axis=0))[1:].round(2)


EXERCISES = {
    "11.1": Exercise(
        "build",
        _repeats,
        "A frame repeats if every pixel of it does: `.all` over rows and columns, and only then the sum.",
        inputs=lambda: [
            (np.array([1, 1, 2, 2, 2], np.uint8).reshape(5, 1, 1),),
            (_some_repeat(),),
            (_no_short_cut(),),
        ],
        within=0,
    ),
    "11.2": Exercise(
        "predict",
        _skill_where_every_second_repeats,
        "It forecasts motion when the video repeats, and none when the video moves. So it is wrong twice as often as "
        "copying.",
        within=0.05,
        traps=((0, "Copying is right on every repeat. Is extrapolation right there as well?"),),
    ),
    "11.3": Exercise(
        "mend",
        lambda context_shape: _on_still_video(_bias_free(context_shape)),
        "Zeros in, zeros out, whatever training does to the weights: what stands still need not be learned.",
        inputs=lambda: [((4, 8, 8, 1),), ((3, 6, 10, 1),)],
        measure=_on_still_video,
    ),
    "11.4": Exercise(
        "build",
        _mix,
        "The weights of the proposals and of standing still sum to 1, so the mixture cannot leave the range of what is "
        "mixed.",
        inputs=lambda: [_proposed(0, 1, 2, 1), _proposed(1, 4, 5, 1)],
    ),
}
