// @ts-check
// The game that the world model learned, step for step as in nextframe/datasets/paddle_game.py: whole numbers alone.

/**
 * @typedef {object} State in cells, and cells a frame
 * @property {number} column of the ball
 * @property {number} row
 * @property {number} across its speed to the right, -1 to 1
 * @property {number} down its speed downwards, -1 or 1
 * @property {number} paddle column of the paddle's leftmost cell
 */

export const CELL = 2; // pixels
const CELLS = 16; // of a frame, each way
export const SIDE = CELLS * CELL; // of a frame, in pixels
export const PADDLE = 3; // cells
export const PADDLE_ROW = 13;
const SCREEN = { top: 5, bottom: 8, left: 4, right: 12 }; // its first row and column, and those after its last
// How far the ball can go, and the paddle's leftmost cell
const [LEFT, RIGHT, PADDLE_RIGHT] = [1, 14, 12];
const [TOP, BOTTOM] = [1, 15];

/**
 * A state with the ball just under the upper wall, on its way down, and the paddle anywhere.
 * @returns {State}
 */
export function serve() {
  const any = (/** @type {number} */ first, /** @type {number} */ last) => first + Math.floor(Math.random() * (last - first + 1));
  return { column: any(LEFT, RIGHT), row: TOP, across: any(-1, 1), down: 1, paddle: any(LEFT, PADDLE_RIGHT) };
}

/**
 * The state one frame later.
 * @param {State} state
 * @param {number} action 0 to stay, 1 to move the paddle one cell to the left, 2 to move it to the right
 * @returns {State}
 */
export function step({ column, row, across, down, paddle }, action) {
  if (action === 1) paddle = Math.max(paddle - 1, LEFT);
  if (action === 2) paddle = Math.min(paddle + 1, PADDLE_RIGHT);
  column += across;
  if (column < LEFT) [column, across] = [2 * LEFT - column, -across];
  if (column > RIGHT) [column, across] = [2 * RIGHT - column, -across];
  row += down;
  if (row < TOP) [row, down] = [2 * TOP - row, 1];
  if (row > BOTTOM) [row, down] = [2 * BOTTOM - row, -1];
  if (down === 1 && row === PADDLE_ROW && paddle <= column && column < paddle + PADDLE) {
    [row, down] = [row - 2, -1];
    across = column - paddle - 1 || across; // the middle third changes nothing
  }
  return { column, row, across, down, paddle };
}

/**
 * Whether the screen covers a pixel.
 * @param {number} y row of the pixel
 * @param {number} x
 */
export function isBehindScreen(y, x) {
  const [row, column] = [Math.floor(y / CELL), Math.floor(x / CELL)];
  return row >= SCREEN.top && row < SCREEN.bottom && column >= SCREEN.left && column < SCREEN.right;
}

/**
 * Draw a state. The paddle is the upper half of its cells.
 * @param {State} state
 * @returns {Float32Array} SIDE × SIDE values, 0 or 1
 */
export function render(state) {
  return Float32Array.from({ length: SIDE * SIDE }, (_, place) => {
    const [y, x] = [Math.floor(place / SIDE), place % SIDE];
    if (isBehindScreen(y, x)) return (y + x) % 2;
    const [row, column] = [Math.floor(y / CELL), Math.floor(x / CELL)];
    const isWall = row === 0 || column === 0 || column === CELLS - 1;
    const isBall = row === state.row && column === state.column;
    const isPaddle = y === CELL * PADDLE_ROW && column >= state.paddle && column < state.paddle + PADDLE;
    return Number(isWall || isBall || isPaddle);
  });
}
