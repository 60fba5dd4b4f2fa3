"""A progress bar over the steps of a training run."""

import keras
from tqdm import tqdm


class StepBar(keras.callbacks.Callback):
    """For `nextframe.training.fit`: counts steps, those of an interrupted run included, and shows the last error."""

    def __init__(self, steps: int, rounds: int):
        super().__init__()
        self.steps, self.rounds = steps, rounds

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Begin where the round does, which for a resumed run is not at zero."""
        self.before = epoch * self.steps // self.rounds
        if not hasattr(self, "bar"):
            self.bar = tqdm(total=self.steps, initial=self.before, desc="training", unit=" steps")

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Move on: Keras calls once for several steps."""
        self.bar.update(self.before + batch + 1 - self.bar.n)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Show how good the round's weights are."""
        self.bar.set_postfix_str(f"validation {logs['val_loss']:.5f}")

    def on_train_end(self, logs: dict | None = None) -> None:
        """Leave the bar as it is."""
        self.bar.close()
