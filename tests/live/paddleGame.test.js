// The game of the page "Try it"; tests/browser holds it against Python's.

import assert from "node:assert/strict";
import test from "node:test";

import { render, serve, SIDE, step } from "../../book/site/live/paddleGame.js";

test("a paddle goes one pixel a key, and no further than the walls", () => {
  const state = { column: 15, row: 5, across: 0, down: 1, paddle: 2 };
  assert.deepEqual([0, 1, 2].map((action) => step(state, action).paddle), [2, 1, 3]);
  assert.equal(step(step(state, 1), 1).paddle, 1);
  assert.equal(step({ ...state, paddle: 23 }, 2).paddle, 23);
});

test("a ball that meets the paddle goes up, the more to the side the further from its middle", () => {
  const met = (/** @type {number} */ column) => step({ column, row: 26, across: 0, down: 1, paddle: 10 }, 0);
  assert.deepEqual([9, 12, 13, 14, 17].map((column) => met(column).across), [-2, -1, 0, 1, 2]);
  assert.equal(met(13).down, -1);
  assert.equal(met(8).down, 1);
});

test("a serve can be drawn, and behind the screen no ball is seen", () => {
  for (let tries = 0; tries < 50; tries++) {
    const served = serve();
    assert.equal(render(served)[served.row * SIDE + served.column], 1);
    assert.ok(served.paddle >= 1 && served.paddle <= 23);
  }
  const hidden = { column: 15, row: 12, across: 0, down: 1, paddle: 10 };
  assert.deepEqual(render(hidden), render({ ...hidden, column: 16, row: 13 }));
});
