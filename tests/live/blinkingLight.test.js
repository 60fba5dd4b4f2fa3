// The light of "Who remembers?" on the page "Try it".

import assert from "node:assert/strict";
import test from "node:test";

import * as blinkingLight from "../../book/site/live/blinkingLight.js";

test("a pattern has the length asked for, with lit frames and dark ones", () => {
  for (let tries = 0; tries < 200; tries++) {
    const pattern = blinkingLight.anyPattern(4);
    assert.equal(pattern.length, 4);
    assert.ok(pattern.includes(true) && pattern.includes(false));
  }
});

test("a pattern repeats", () => {
  const pattern = [true, false, false];
  assert.deepEqual([0, 1, 2, 3, 4, 300].map((time) => blinkingLight.isLit(pattern, time)), [true, false, false, true, false, true]);
});

test("a dark frame is black, a lit one has a square in its middle", () => {
  assert.ok(blinkingLight.frame(false).every((value) => value === 0));
  const lit = blinkingLight.frame(true);
  assert.equal(lit.length, blinkingLight.SIDE ** 2);
  assert.equal(lit.filter((value) => value === 1).length, blinkingLight.SIDE ** 2 / 4);
  assert.equal(lit[4 * blinkingLight.SIDE + 4], 1);
  assert.equal(lit[3 * blinkingLight.SIDE + 4], 0);
});

test("a forecast is told by its middle", () => {
  assert.equal(blinkingLight.brightnessOf(blinkingLight.frame(true)), "lit");
  assert.equal(blinkingLight.brightnessOf(blinkingLight.frame(false)), "dark");
  assert.equal(blinkingLight.brightnessOf(blinkingLight.frame(true).map((value) => value / 2)), "grey");
});

test("lit and dark begin a third away from the ends", () => {
  const shown = [0, 0.3, 0.36, 0.5, 0.64, 0.7, 1].map((value) => blinkingLight.brightnessOf(blinkingLight.frame(true).fill(value)));
  assert.deepEqual(shown, ["dark", "dark", "grey", "grey", "grey", "lit", "lit"]);
});
