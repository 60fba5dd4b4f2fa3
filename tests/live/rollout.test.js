// A rollout on the page "Try it".

import assert from "node:assert/strict";
import test from "node:test";

import { Context } from "../../book/site/live/frames.js";
import { rolledOut } from "../../book/site/live/rollout.js";

test("each frame is forecast from those before it, and the context stays as it was", async () => {
  const context = new Context(2);
  for (const value of [1, 2]) context.add(Float32Array.of(value));
  const sum = async (/** @type {Float32Array} */ values) => Float32Array.of(values[0] + values[1]);
  assert.deepEqual((await rolledOut(sum, context, 4)).map(([value]) => value), [3, 5, 8, 13]);
  assert.deepEqual(context.flat(), Float32Array.of(1, 2));
});
