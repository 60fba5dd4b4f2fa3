"""Checks before a training run: is each dataset of the right type, and do its shapes fit the model?"""

from typing import Any

import keras

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


def check_fits(name: str, dataset: Any, model: keras.Model, classes: bool) -> None:
    """Raise a ValueError if the shapes of a dataset's batches differ from the model's input or output.

    Keras would broadcast some targets in silence, and fail inside the loss for others.

    Args:
        name: Of the argument.
        dataset: One that `check_dataset` takes.
        model: Of one input and one output; others are not checked.
        classes: Whether targets are numbers of classes, which have no axis of their own.
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
                f"{_cure(what, have, want)}"
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


def _cure(what: str, have: Shape, want: Shape) -> str:
    if what == "contexts":
        return f"cut windows of that shape, or build the model for context_shape={have[1:]}"
    if len(have) == 5 and len(want) == 4:
        return "leave horizon at 1 in window_dataset, and forecast further with nextframe.forecasting.rollout"
    if len(have) == 4 and len(want) == 5:
        return "give window_dataset sequence_targets=True, or build the model with return_sequences=False"
    return "make both agree"
