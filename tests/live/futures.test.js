// Futures that are drawn on the page "Try it"; tests/browser holds them against Python's.

import assert from "node:assert/strict";
import test from "node:test";

import { Context } from "../../book/site/live/frames.js";
import { chosen, counted, drawnFuture, quarter, seeded } from "../../book/site/live/futures.js";

test("the same seed gives the same numbers, another one others", () => {
  const numbers = (/** @type {number} */ seed) => Array.from({ length: 1000 }, seeded(seed));
  assert.deepEqual(numbers(1), numbers(1));
  assert.ok(numbers(1).every((value, index) => value !== numbers(2)[index]));
});

test("numbers by chance fill 0 to 1 evenly", () => {
  const tenths = Array(10).fill(0);
  for (const value of Array.from({ length: 10_000 }, seeded(5))) tenths[Math.floor(10 * value)]++;
  assert.equal(tenths.length, 10);
  assert.ok(tenths.every((count) => Math.abs(count - 1000) < 150));
});

test("the first one is drawn whose odds exceed chance, and the last one takes what is left", () => {
  const odds = Float32Array.of(0.25, 0, 0.5, 0.125); // an eighth is missing
  const drawn = [0, 0.24, 0.25, 0.74, 0.75, 0.99].map((chance) => chosen(odds, chance));
  assert.deepEqual(drawn, [0, 0, 2, 2, 3, 3]);
});

test("each frame is drawn from the past of its own future", async () => {
  const context = new Context(2);
  for (const value of [1, 2]) context.add(Float32Array.of(value));
  const draw = async (/** @type {Float32Array} */ [before, last]) => ({
    frames: [Float32Array.of(before + last), Float32Array.of(-last)],
    odds: Float32Array.of(0.75, 0.25),
  });
  const { frames, odds } = await drawnFuture(draw, context, [0.1, 0.8, 0.7]);
  assert.deepEqual(frames.map(([value]) => value), [3, -3, 0]);
  assert.deepEqual(odds, [0.75, 0.25, 0.75]);
  assert.deepEqual(context.flat(), Float32Array.of(1, 2));
});

test("where the light is, in words, and how often", () => {
  const places = [0, 3, 12, 15, 15].map((place) => quarter(new Float32Array(16).fill(0.1).fill(1, place, place + 1)));
  assert.deepEqual(places, ["upper left", "upper right", "lower left", "lower right", "lower right"]);
  assert.deepEqual(counted(places)[0], ["lower right", 2]);
  assert.equal(counted(places).length, 4);
});
