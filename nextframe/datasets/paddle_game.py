"""A small game to be learned by a world model: a paddle, a ball, and a screen that the ball passes behind.

A frame is 32×32 and black or white. Walls are on the left, on the right and on top. The ball, 2×2 pixels, flies one row
a frame and up to two columns. The paddle sends it up again, the more to the side the further from the paddle's middle
it is hit. A ball that misses the paddle falls to the floor behind it and comes back up, through the paddle. Behind the
screen, which is chequered, it cannot be seen.

All of it is whole numbers, and nothing is random but the serve: what comes next follows from the frames so far and the
key that is pressed.
"""

from typing import NamedTuple

import numpy as np

from nextframe._utils.validation import whole_number

SIDE = 32  # of a frame, in pixels
ACTIONS = ("stay", "left", "right")  # what the numbers 0, 1 and 2 of an action mean
BALL = 2  # side of the ball
PADDLE = 8  # width of the paddle, which is one row high
PADDLE_ROW = 28
SCREEN = (slice(11, 16), slice(9, 23))  # its rows and columns
LONGEST_HIDDEN = 4  # frames in a row for which the screen can hide the whole ball
# How far the ball's and the paddle's left columns and the ball's top row can go
LEFT, RIGHT, PADDLE_RIGHT = 1, SIDE - 1 - BALL, SIDE - 1 - PADDLE
TOP, BOTTOM = 1, SIDE - BALL


class State(NamedTuple):
    """All that the game remembers, in pixels, and pixels a frame.

    Attributes:
        column, row: Of the ball's upper left pixel.
        across, down: Its speed to the right, -2 to 2, and downwards, -1 or 1.
        paddle: Column of the paddle's leftmost pixel.
    """

    column: int
    row: int
    across: int
    down: int
    paddle: int


def serve(random: np.random.Generator) -> State:
    """Return a state with the ball just under the upper wall, on its way down, and the paddle anywhere."""
    column, across, paddle = random.integers((LEFT, -2, LEFT), (RIGHT + 1, 3, PADDLE_RIGHT + 1))
    return State(int(column), TOP, int(across), 1, int(paddle))


def step(state: State, action: int) -> State:
    """Return the state one frame later.

    Args:
        state: The present one.
        action: 0 to stay, 1 to move the paddle one pixel to the left, 2 to move it to the right; see `ACTIONS`.

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
    # The ball's lower row enters the paddle's from above
    if down == 1 and row + BALL - 1 == PADDLE_ROW and paddle - BALL < column < paddle + PADDLE:
        row, down = row - 2, -1
        off_middle = column - paddle - (PADDLE - BALL) // 2  # -4 to 4
        across = (abs(off_middle) + 1) // 2 * (1 if off_middle > 0 else -1)
    return State(column, row, across, down, paddle)


def render(state: State) -> np.ndarray:
    """Draw a state, uint8 `(32, 32)` of 0 and 255."""
    frame = np.zeros((SIDE, SIDE), np.uint8)
    frame[0], frame[:, 0], frame[:, -1] = 255, 255, 255
    frame[state.row : state.row + BALL, state.column : state.column + BALL] = 255
    frame[PADDLE_ROW, state.paddle : state.paddle + PADDLE] = 255
    frame[SCREEN] = 255 * (np.indices((SIDE, SIDE)).sum(axis=0) % 2)[SCREEN]
    return frame


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
    """Record a player who holds a key for a while, or follows the ball for a while and hits it with some part.

    Args:
        count: Number of episodes. Each begins up to 60 frames after a serve, so that the ball may be anywhere.
        length: Frames of each.
        seed: Of serves and keys.

    Returns:
        frames: uint8 `(count, length, 32, 32)`.
        actions: int64 `(count, length - 1)`, the key that is pressed at each frame but the last.
    """
    whole_number("length", length, least=2)
    random = np.random.default_rng(seed)
    frames, actions = [], []
    for _ in range(count):
        first, before = serve(random), int(random.integers(60))
        pressed = _keys(first, before + length - 1, random)
        drawn, _ = play(first, pressed)
        frames.append(drawn[before:])
        actions.append(pressed[before:])
    return np.stack(frames), np.stack(actions)


def _keys(state: State, steps: int, random: np.random.Generator) -> np.ndarray:
    """The keys of one player, int64 `(steps,)`; a plan lasts eight frames on average."""
    plan, aim = 0, 0
    pressed: list[int] = []
    for _ in range(steps):
        if not pressed or random.random() < 1 / 8:
            plan, aim = (int(each) for each in random.integers((0, -4), (2 * len(ACTIONS), 5)))
        action = plan
        if plan >= len(ACTIONS):  # follow the ball
            off = state.column - state.paddle - (PADDLE - BALL) // 2 - aim
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
    bright = _unit(frames)
    row, around = bright[..., PADDLE_ROW, 1:-1], bright[..., (PADDLE_ROW - 1, PADDLE_ROW + 1), 1:-1].max(axis=-2)
    for_paddle = np.where(around < 0.5, 2 * row - 1, 0)  # 1 where lit, -1 where dark, 0 where it cannot be told
    fit = np.lib.stride_tricks.sliding_window_view(for_paddle, PADDLE, axis=-1).sum(axis=-1)
    return np.where(fit.max(axis=-1) > 0, fit.argmax(axis=-1) + 1.0, np.nan)


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
    return np.maximum(blobs, -(-lit.sum(axis=(-2, -1)) // BALL**2))


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


def _in_the_air(frames: np.ndarray) -> np.ndarray:
    """What is lit where only the ball can be."""
    lit = _unit(frames) > 0.5
    lit[..., 0, :] = lit[..., (0, -1)] = lit[..., PADDLE_ROW, :] = False
    lit[..., *SCREEN] = False
    return lit


def _unit(frames: np.ndarray) -> np.ndarray:
    if np.shape(frames)[-2:] != (SIDE, SIDE):
        raise ValueError(f"frames have shape {np.shape(frames)}; expected (..., {SIDE}, {SIDE}): drop other axes first")
    return frames / 255 if frames.dtype == np.uint8 else frames
