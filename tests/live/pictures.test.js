// Error maps of the page "Try it"; tests/browser holds them against matplotlib.

import assert from "node:assert/strict";
import test from "node:test";

import { errorColour } from "../../book/site/live/pictures.js";

test("too bright is red, too dark is blue, right is nearly white", () => {
  const [red, , blue] = errorColour(0.6);
  assert.ok(red > blue + 80);
  assert.ok(Math.min(...errorColour(0)) > 246);
  const dark = errorColour(-0.6);
  assert.ok(dark[2] > dark[0] + 80);
});

test("beyond the ends the colour stays", () => {
  assert.deepEqual(errorColour(7), [103, 0, 31]);
  assert.deepEqual(errorColour(-7), [5, 48, 97]);
});
