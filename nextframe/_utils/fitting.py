"""Checks before a training run: is each dataset of the right type, and do its shapes fit the model?"""

from typing import Any

import keras
import numpy as np

from nextframe._utils.keras_layers import frames_ahead
from nextframe._utils.validation import shown

Shape = tuple[int | None, ...]


def check_dataset(name: str, dataset: Any, repeats: bool) -> None:
    """Raise a ValueError unless this is a dataset of batches; arrays and None are the usual mistakes.

    Args:
        name: Of the argument.
        dataset: The argument's value.
        repeats: Whether it must be able to repeat without end, as training needs.
    """
    endless = "repeat" if keras.backend.backend() == "tensorflow" else "endless"
    known = hasattr(dataset, "element_spec") or isinstance(dataset, keras.utils.PyDataset)
    if not known or (repeats and not hasattr(dataset, endless)):
        raise ValueError(
            f"{name}={shown(dataset)}: expected a dataset of (context, target) batches: make one with "
            "nextframe.windows.window_dataset(clip, context), of a part of the clip that "
            "nextframe.windows.chronological_split gives"
        )


def check_fits(name: str, dataset: Any, model: keras.Model, classes: bool, rollout: int = 1) -> None:
    """Raise a ValueError if the shapes of a dataset's batches differ from the model's input or output.

    Keras would broadcast some targets in silence, and fail inside the loss for others.

    Args:
        name: Of the argument.
        dataset: One that `check_dataset` takes.
        model: Of one input and one output; others are not checked.
        classes: Whether targets are numbers of classes, which have no axis of their own.
        rollout: Frames that it is trained to forecast in a row.
    """
    given, wanted = _shapes(dataset), (_one(model, "input_shape"), _one(model, "output_shape"))
    if len(given) < 2:
        raise ValueError(f"{name} gives batches without a target; expected (context, target): see window_dataset")
    for what, have, want in zip(("contexts", "targets"), given, wanted, strict=False):
        if have is None or want is None or (classes and what == "targets"):
            continue
        pairs = zip(have[1:], want[1:], strict=False)
        if len(have) != len(want) or any(None not in pair and pair[0] != pair[1] for pair in pairs):
            does = "reads" if what == "contexts" else "makes"
            raise ValueError(
                f"{name} has {what} of shape {_words(have)}, and {model.name} {does} {_words(want)}: "
                f"{_cure(what, have, want, frames_ahead(model), rollout)}"
            )


def check_ahead(name: str, dataset: Any, model: keras.Model) -> None:
    """Raise a ValueError if a model of several frames ahead is to learn its own context, one frame later.

    With as many frames ahead as in the context, targets made with `sequence_targets=True` have the right shape. They
    are told by the first batch, but for a video that comes back to its first frame with each context's last one: there
    both kinds of targets are the same.

    Args:
        name: Of the argument.
        dataset: One that `check_fits` takes, in order: a pass over it is begun.
        model: The model.
    """
    ahead = frames_ahead(model)
    if ahead is None or ahead != model.input_shape[1]:
        return
    batch = dataset[0] if isinstance(dataset, keras.utils.PyDataset) else next(iter(dataset))
    context, target = (keras.ops.convert_to_numpy(part) for part in batch[:2])
    if np.array_equal(target[:, :-1], context[:, 1:]) and not np.array_equal(context[:, 0], context[:, -1]):
        raise ValueError(
            f"{name} has targets that are the contexts one frame later, and {model.name} forecasts the {ahead} frames "
            f"after them: give window_dataset horizon={ahead} in place of sequence_targets=True"
        )


def _shapes(dataset: Any) -> list[Shape | None]:
    """Shapes of a batch's parts, None for a part that is not one array; the size of the batch does not matter."""
    batch = dataset.element_spec if hasattr(dataset, "element_spec") else dataset[0]
    parts = batch if isinstance(batch, tuple | list) else [batch]
    return [_shape(getattr(part, "shape", None)) for part in parts]


def _shape(shape: Any) -> Shape | None:
    if shape is None or getattr(shape, "rank", 0) is None:
        return None
    return tuple(shape)


def _one(model: keras.Model, name: str) -> Shape | None:
    shape = getattr(model, name, None)
    return shape if isinstance(shape, tuple) else None


def _words(shape: Shape) -> str:
    return f"({', '.join(['batch', *('any' if side is None else str(side) for side in shape[1:])])})"


def _cure(what: str, have: Shape, want: Shape, ahead: int | None, rollout: int) -> str:
    if what == "contexts":
        return f"cut windows of that shape, or build the model for context_shape={have[1:]}"
    if rollout > 1:
        return f"give window_dataset horizon={rollout}, or train with rollout=1"
    if ahead and len(have) in (4, 5):
        return (
            f"give window_dataset horizon={ahead}, or build the model with horizon={have[1] if len(have) == 5 else 1}"
        )
    if len(have) == 5 and len(want) == 4:
        return "leave horizon at 1 in window_dataset, and forecast further with nextframe.forecasting.rollout"
    if len(have) == 4 and len(want) == 5:
        return "give window_dataset sequence_targets=True, or build the model with return_sequences=False"
    return "make both agree"
