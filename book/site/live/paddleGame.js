// @ts-check
// The game that the world model learned, step for step as in nextframe/datasets/paddle_game.py: whole numbers alone.

/**
 * @typedef {object} State in pixels, and pixels a frame
 * @property {number} column of the ball's upper left pixel
 * @property {number} row
 * @property {number} across its speed to the right, -2 to 2
 * @property {number} down its speed downwards, -1 or 1
 * @property {number} paddle column of the paddle's leftmost pixel
 */

export const SIDE = 32; // of a frame, in pixels
export const ACTIONS = ["stay", "left", "right"]; // what the numbers 0, 1 and 2 of an action mean
export const BALL = 2; // side of the ball
export const PADDLE = 8; // width of the paddle, which is one row high
export const PADDLE_ROW = 28;
export const SCREEN = { top: 11, bottom: 16, left: 9, right: 23 }; // its first row and column, and those after its last
// How far the ball's and the paddle's left columns and the ball's top row can go
const [LEFT, RIGHT, PADDLE_RIGHT] = [1, SIDE - 1 - BALL, SIDE - 1 - PADDLE];
const [TOP, BOTTOM] = [1, SIDE - BALL];

/**
 * A state with the ball just under the upper wall, on its way down, and the paddle anywhere.
 * @returns {State}
 */
export function serve() {
  const any = (/** @type {number} */ first, /** @type {number} */ last) => first + Math.floor(Math.random() * (last - first + 1));
  return { column: any(LEFT, RIGHT), row: TOP, across: any(-2, 2), down: 1, paddle: any(LEFT, PADDLE_RIGHT) };
}

/**
 * The state one frame later.
 * @param {State} state
 * @param {number} action 0 to stay, 1 to move the paddle one pixel to the left, 2 to move it to the right
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
  // The ball's lower row enters the paddle's from above
  if (down === 1 && row + BALL - 1 === PADDLE_ROW && column > paddle - BALL && column < paddle + PADDLE) {
    [row, down] = [row - 2, -1];
    const offMiddle = column - paddle - (PADDLE - BALL) / 2; // -4 to 4
    across = Math.floor((Math.abs(offMiddle) + 1) / 2) * Math.sign(offMiddle);
  }
  return { column, row, across, down, paddle };
}

/**
 * Draw a state.
 * @param {State} state
 * @returns {Float32Array} SIDE × SIDE values, 0 or 1
 */
export function render({ column, row, paddle }) {
  return Float32Array.from({ length: SIDE * SIDE }, (_, place) => {
    const [y, x] = [Math.floor(place / SIDE), place % SIDE];
    if (y >= SCREEN.top && y < SCREEN.bottom && x >= SCREEN.left && x < SCREEN.right) return (y + x) % 2;
    const isWall = y === 0 || x === 0 || x === SIDE - 1;
    const isBall = y >= row && y < row + BALL && x >= column && x < column + BALL;
    const isPaddle = y === PADDLE_ROW && x >= paddle && x < paddle + PADDLE;
    return Number(isWall || isBall || isPaddle);
  });
}
