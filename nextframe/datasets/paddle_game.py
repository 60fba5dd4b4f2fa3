"""A small game to be learned by a world model: a paddle, a ball, and a screen that the ball passes behind.

The game is played on 16×16 cells, each of 2×2 pixels, black or white. Walls are on the left, on the right and on top.
The ball, one cell, flies one row a frame, and straight or one column to a side. The paddle is three cells wide: its
left third sends the ball up to the left, its right third to the right, and its middle as it came. A ball that misses
the paddle falls to the floor behind it and comes back up, through the paddle. Behind the screen, which is chequered, it
cannot be seen.

All of it is whole numbers, and nothing is random but the serve: what comes next follows from the frames so far and the
key that is pressed.
"""

from typing import NamedTuple

import numpy as np

from nextframe._utils.validation import whole_number

CELL = 2  # pixels
SIDE = 16 * CELL  # of a frame, in pixels
ACTIONS = ("stay", "left", "right")  # what the numbers 0, 1 and 2 of an action mean
PADDLE = 3  # cells
PADDLE_ROW = 13
SCREEN = (slice(5, 8), slice(4, 12))  # its rows and columns of cells
LONGEST_HIDDEN = 3  # frames in a row for which the screen can hide the ball
# How far the ball can go, and the paddle's leftmost cell
LEFT, RIGHT, PADDLE_RIGHT = 1, 14, 12
TOP, BOTTOM = 1, 15


class State(NamedTuple):
    """All that the game remembers, in cells, and cells a frame.

    The ball's `column` and `row`; its speed, -1 to 1 to the right (`across`), and -1 or 1 downwards (`down`); and the
    column of the paddle's leftmost cell (`paddle`).
    """

    column: int
    row: int
    across: int
    down: int
    paddle: int


def serve(random: np.random.Generator) -> State:
    """Return a state with the ball just under the upper wall, on its way down, and the paddle anywhere."""
    column, across, paddle = random.integers((LEFT, -1, LEFT), (RIGHT + 1, 2, PADDLE_RIGHT + 1))
    return State(int(column), TOP, int(across), 1, int(paddle))


def step(state: State, action: int) -> State:
    """Return the state one frame later.

    Args:
        state: The present one.
        action: 0 to stay, 1 to move the paddle one cell to the left, 2 to move it to the right; see `ACTIONS`.

    Raises:
        ValueError: Another action.
    """
    if action not in (0, 1, 2):
        raise ValueError(f"action={action}: expected 0 (stay), 1 (left) or 2 (right)")
    column, row, across, down, paddle = state
    if action == 1:
        paddle = max(paddle - 1, LEFT)
    if action == 2:
        paddle = min(paddle + 1, PADDLE_RIGHT)
    column += across
    if column < LEFT:
        column, across = 2 * LEFT - column, -across
    if column > RIGHT:
        column, across = 2 * RIGHT - column, -across
    row += down
    if row < TOP:
        row, down = 2 * TOP - row, 1
    if row > BOTTOM:
        row, down = 2 * BOTTOM - row, -1
    if down == 1 and row == PADDLE_ROW and paddle <= column < paddle + PADDLE:
        row, down = row - 2, -1
        across = (column - paddle - 1) or across  # the middle third changes nothing
    return State(column, row, across, down, paddle)


def render(state: State) -> np.ndarray:
    """Draw a state, uint8 `(32, 32)` of 0 and 255. The paddle is the upper half of its cells."""
    cells = np.zeros((SIDE // CELL, SIDE // CELL), np.uint8)
    cells[0], cells[:, 0], cells[:, -1] = 255, 255, 255
    cells[state.row, state.column] = 255
    frame = cells.repeat(CELL, axis=0).repeat(CELL, axis=1)
    frame[CELL * PADDLE_ROW, CELL * state.paddle : CELL * (state.paddle + PADDLE)] = 255
    chequered = 255 * (np.indices((SIDE, SIDE)).sum(axis=0) % 2)
    frame[_pixels(SCREEN)] = chequered[_pixels(SCREEN)]
    return frame


def _pixels(cells: tuple[slice, slice]) -> tuple[slice, slice]:
    rows, columns = (slice(CELL * part.start, CELL * part.stop) for part in cells)
    return rows, columns


def play(state: State, actions: np.ndarray) -> tuple[np.ndarray, list[State]]:
    """Play from a state on.

    Args:
        state: The first one, which is drawn too.
        actions: `(steps,)`, the key that is pressed at each frame but the last.

    Returns:
        frames: uint8 `(steps + 1, 32, 32)`.
        states: As many.
    """
    states = [state]
    for action in actions:
        states.append(step(states[-1], int(action)))
    return np.stack([render(each) for each in states]), states


def episodes(count: int, length: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Record a player who holds a key for a while, or follows the ball for a while to hit it with some part.

    Args:
        count: Number of episodes. Each begins up to 40 frames after a serve, so that the ball may be anywhere.
        length: Frames of each.
        seed: Of serves and keys.

    Returns:
        frames: uint8 `(count, length, 32, 32)`.
        actions: int64 `(count, length - 1)`, the key that is pressed at each frame but the last.
    """
    whole_number("count", count)
    whole_number("length", length, least=2)
    random = np.random.default_rng(seed)
    frames, actions = [], []
    for _ in range(count):
        first, before = serve(random), int(random.integers(40))
        pressed = _keys(first, before + length - 1, random)
        drawn, _ = play(first, pressed)
        frames.append(drawn[before:])
        actions.append(pressed[before:])
    return np.stack(frames), np.stack(actions)


def _keys(state: State, steps: int, random: np.random.Generator) -> np.ndarray:
    """The keys of one player, int64 `(steps,)`; a plan lasts six frames on average."""
    plan, aim = 0, 0
    pressed: list[int] = []
    for _ in range(steps):
        if not pressed or random.random() < 1 / 6:
            plan, aim = (int(each) for each in random.integers((0, 0), (2 * len(ACTIONS), PADDLE)))
        action = plan
        if plan >= len(ACTIONS):  # follow the ball
            off = state.column - state.paddle - aim
            action = 2 if off > 0 else 1 if off < 0 else 0
        pressed.append(action)
        state = step(state, action)
    return np.array(pressed)


def paddle_columns(frames: np.ndarray) -> np.ndarray:
    """Find the paddle in frames of the game, or of a model of it.

    It is where a bar as wide as the paddle fits its row best. Pixels above or below which something is lit are left
    out, since they belong to the ball.

    Args:
        frames: `(..., 32, 32)`, uint8 or floats in 0..1.

    Returns:
        Column of its leftmost pixel, float64 `(...)`; NaN where less than half of the best fitting bar is lit.
    """
    bright, row, width = _unit(frames), CELL * PADDLE_ROW, CELL * PADDLE
    bar = bright[..., row, CELL:-CELL]
    around = bright[..., (row - 1, row + 1), CELL:-CELL].max(axis=-2)
    for_paddle = np.where(around < 0.5, 2 * bar - 1, 0)  # 1 where lit, -1 where dark, 0 where it cannot be told
    fit = np.lib.stride_tricks.sliding_window_view(for_paddle, width, axis=-1).sum(axis=-1)
    return np.where(fit.max(axis=-1) > 0, fit.argmax(axis=-1) + float(CELL), np.nan)


def number_of_balls(frames: np.ndarray) -> np.ndarray:
    """Count the balls that can be seen in frames of the game, or of a model of it.

    Lit pixels that touch are one blob, and a blob of more than four is as many balls as it has fours. The number of
    blobs, less their holes, follows from each square of four pixels: Gray, Local Properties of Binary Images in Two
    Dimensions, IEEE Transactions on Computers, 1971.

    Args:
        frames: `(..., 32, 32)`, uint8 or floats in 0..1; what is brighter than half counts as lit.

    Returns:
        int64 `(...)`: in a true frame 1, or 0 where the screen hides the ball.
    """
    lit = np.pad(_in_the_air(frames), [(0, 0)] * (np.ndim(frames) - 2) + [(1, 1), (1, 1)]).astype(int)
    corners = lit[..., :-1, :-1], lit[..., :-1, 1:], lit[..., 1:, :-1], lit[..., 1:, 1:]
    of_four = np.sum(corners, axis=0)
    diagonal = (of_four == 2) & (corners[0] == corners[3])
    blobs = ((of_four == 1) * 1 - (of_four == 3) - 2 * diagonal).sum(axis=(-2, -1)) // 4
    return np.maximum(blobs, -(-lit.sum(axis=(-2, -1)) // CELL**2))


def ball_centres(frames: np.ndarray) -> np.ndarray:
    """Find the ball in frames of the game, or of a model of it.

    Args:
        frames: As in `number_of_balls`.

    Returns:
        Row and column of the middle of all that is lit but walls, screen and the paddle's row, float64 `(..., 2)`; NaN
        where nothing is.
    """
    lit = _in_the_air(frames)
    rows, columns = np.indices((SIDE, SIDE))
    count = lit.sum(axis=(-2, -1))
    sums = np.stack([(lit * rows).sum(axis=(-2, -1)), (lit * columns).sum(axis=(-2, -1))], axis=-1)
    return np.where(count[..., None] > 0, sums / np.maximum(count, 1)[..., None], np.nan)


def decisive_moments(frames: np.ndarray) -> np.ndarray:
    """Find the frames that are hard to forecast: the ball is back from behind the screen, or at the paddle.

    Args:
        frames: `(..., time, 32, 32)`, uint8 or floats in 0..1.

    Returns:
        bool `(..., time)`.
    """
    seen, row = number_of_balls(frames) > 0, ball_centres(frames)[..., 0] // CELL
    found = (row >= PADDLE_ROW - 2) & (row <= PADDLE_ROW)
    found[..., 1:] |= seen[..., 1:] & ~seen[..., :-1]
    found[..., 2:] |= seen[..., 2:] & ~seen[..., :-2]
    return found


def _in_the_air(frames: np.ndarray) -> np.ndarray:
    """What is lit where only the ball can be."""
    lit = _unit(frames) > 0.5
    lit[..., :CELL, :] = lit[..., :CELL] = lit[..., -CELL:] = lit[..., CELL * PADDLE_ROW, :] = False
    lit[..., *_pixels(SCREEN)] = False
    return lit


def _unit(frames: np.ndarray) -> np.ndarray:
    if np.shape(frames)[-2:] != (SIDE, SIDE):
        raise ValueError(f"frames have shape {np.shape(frames)}; expected (..., {SIDE}, {SIDE}): drop other axes first")
    return frames / 255 if frames.dtype == np.uint8 else frames
