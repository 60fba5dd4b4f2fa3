// @ts-check
// A rollout on demand: a network forecasts several frames, each from its own last ones; the truth follows as it comes.

import { skill, squaredError } from "./frames.js";
import { showError, showFrame } from "./pictures.js";

export const HORIZON = 10; // frames

/**
 * Forecast frames one by one, each fed back as input.
 * @param {import("./frames.js").Predictor} predict
 * @param {import("./frames.js").Context} context is left as it is
 * @returns {Promise<Float32Array[]>}
 */
export async function rolledOut(predict, context, horizon = HORIZON) {
  const own = context.copy();
  const frames = [];
  for (let ahead = 0; ahead < horizon; ahead++) {
    frames.push(await predict(own.flat()));
    own.add(frames[ahead]);
  }
  return frames;
}

/** The rollout's three strips: what came, what was forecast, and where it erred. */
export class Rollout {
  /**
   * @param {import("./demo.js").Demo} demo it has the parts "rollout", "came", "forecast", "erred" and "rollout-said"
   * @param {number} largest error that is drawn in full colour
   */
  constructor(demo, largest) {
    this.demo = demo;
    this.largest = largest;
    this.strips = ["came", "forecast", "erred"].map((name) => demo.part(name));
    /** @type {Float32Array[]} */
    this.frames = [];
    this.came = 0;
  }

  /** Wait for nothing more: what comes does not follow from what was seen. */
  drop() {
    if (this.came < this.frames.length) this.say("The rest of the truth will not come, since the video has jumped.");
    this.frames = [];
    this.came = 0;
  }

  /**
   * Show the frames that are forecast.
   * @param {Float32Array} last the last frame that was seen: what copying forecasts
   * @param {Float32Array[]} frames
   */
  begin(last, frames) {
    this.drop();
    this.last = last;
    this.frames = frames;
    /** @type {string[]} */
    this.skills = [];
    const black = new Float32Array(last.length);
    for (const strip of this.strips) {
      strip.replaceChildren(...frames.map(() => document.createElement("canvas")));
      for (const canvas of strip.children) showFrame(canvas, black);
    }
    frames.forEach((frame, index) => showFrame(this.strips[1].children[index], frame));
    this.demo.part("rollout").hidden = false;
    this.say("The truth is still to come.");
  }

  /**
   * A true frame has come: put it beside its forecast.
   * @param {Float32Array} truth
   */
  add(truth) {
    if (this.came === this.frames.length) return;
    const forecast = this.frames[this.came];
    showFrame(this.strips[0].children[this.came], truth);
    showError(this.strips[2].children[this.came], truth, forecast, this.largest);
    const reached = skill([squaredError(truth, forecast)], [squaredError(truth, this.last)], truth.length);
    this.skills.push(reached === null ? "none, since nothing moved" : reached.toFixed(2));
    this.came++;
    this.say(`Skill ${this.skills.map((of, index) => `${index + 1} ahead: ${of}`).join("; ")}.`);
  }

  /** @param {string} text */
  say(text) {
    this.demo.part("rollout-said").textContent = text;
  }
}
