"""Silence TensorFlow's warning about repeated retracing, which many small models in one process set off."""

import contextlib
import logging
from collections.abc import Iterator


@contextlib.contextmanager
def quiet_about_tracing() -> Iterator[None]:
    """Drop the warning: Keras traces each model once, but TensorFlow takes five in a row for one that is retraced."""
    logger = logging.getLogger("tensorflow")

    def is_other(record: logging.LogRecord) -> bool:
        return "triggered tf.function retracing" not in record.getMessage()

    logger.addFilter(is_other)
    try:
        yield
    finally:
        logger.removeFilter(is_other)
