// The light of "Who remembers?" on the page "Try it".

import assert from "node:assert/strict";
import test from "node:test";

import * as light from "../../book/site/live/light.js";

test("a pattern has the length asked for, with lit frames and dark ones", () => {
  for (let tries = 0; tries < 200; tries++) {
    const pattern = light.anyPattern(4);
    assert.equal(pattern.length, 4);
    assert.ok(pattern.includes(true) && pattern.includes(false));
  }
});

test("a pattern repeats", () => {
  const pattern = [true, false, false];
  assert.deepEqual([0, 1, 2, 3, 4, 300].map((time) => light.isLit(pattern, time)), [true, false, false, true, false, true]);
});

test("a dark frame is black, a lit one has a square in its middle", () => {
  assert.ok(light.frame(false).every((value) => value === 0));
  const lit = light.frame(true);
  assert.equal(lit.length, light.SIDE ** 2);
  assert.equal(lit.filter((value) => value === 1).length, light.SIDE ** 2 / 4);
  assert.equal(lit[4 * light.SIDE + 4], 1);
  assert.equal(lit[3 * light.SIDE + 4], 0);
});

test("a forecast is told by its middle", () => {
  assert.equal(light.looks(light.frame(true)), "lit");
  assert.equal(light.looks(light.frame(false)), "dark");
  assert.equal(light.looks(light.frame(true).map((value) => value / 2)), "grey");
});
