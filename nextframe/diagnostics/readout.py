"""A linear readout: what can still be told from the numbers that a layer gives."""

import numpy as np

_PENALTY = 0.1  # on large weights: for more numbers than examples too, and of little effect on few


def linear_readout(known: np.ndarray, answers: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Learn to read something off a layer's numbers by ridge regression; read it off the numbers of others.

    Also called a linear probe. What it reads well is still there, in a form that one more dense layer could use. What
    it does not read may be gone, or be there in another form.

    Args:
        known: `(examples, ...)`, what the layer gives for examples whose answers are known; flattened here.
        answers: `(examples, values)`, such as rows and columns in pixels.
        new: `(others, ...)`, what it gives for others.

    Returns:
        float64 `(others, values)`, the answers that were read.

    Raises:
        ValueError: Not one answer for each example, or other numbers for the others.

    Source: Alain, Bengio: Understanding intermediate layers using linear classifier probes. 2016.
    """
    if len(known) != len(answers) or known.shape[1:] != new.shape[1:]:
        raise ValueError(
            f"numbers {known.shape}, answers {answers.shape} and new numbers {new.shape}: expected one answer for each "
            "of the first, and the same layer's numbers twice"
        )
    x, others = (numbers.reshape(len(numbers), -1).astype(np.float64) for numbers in (known, new))
    middle, scale = x.mean(axis=0), x.std() or 1.0
    x, others = (x - middle) / scale, (others - middle) / scale
    mean = answers.mean(axis=0)
    # as many unknowns as examples, however many numbers a layer has
    alike = x @ x.T + _PENALTY * x.shape[1] * np.eye(len(x))
    return others @ x.T @ np.linalg.solve(alike, answers - mean) + mean
