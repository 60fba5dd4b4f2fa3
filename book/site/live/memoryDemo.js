// @ts-check
// "Who remembers?" on the page "Try it": a light whose next frame is the one a period ago, and networks that have
// learned just that, one of each kind for each period.

import { Context } from "./frames.js";
import * as blinkingLight from "./blinkingLight.js";
import * as networks from "./networks.js";
import { showFrame } from "./pictures.js";
import { Demo } from "./demo.js";

const FRAMES_A_SECOND = 3; // and no more, whoever presses what: a light that flashes faster can harm

const root = document.getElementById("memory");
const demo = new Demo(root);
const part = (name) => demo.part(name);

/** @typedef {{pattern: boolean[], predict: import("./frames.js").Predictor[]}} Fresh a new pattern, and the networks for its period */

const state = {
  /** @type {boolean[]} */
  pattern: [],
  time: 0, // of the next frame
  paused: false,
  pendingFrames: 0, // to be shown although the demo is paused
  asked: 0, // the period that the slider stands at
  /** @type {Fresh | null} */
  fresh: null, // what the next tick begins with
};
/** @type {any} */
let about; // models/memory.json: see tools/export_models.py, which writes it
/** @type {Context} */
let context; // what the networks see
/** @type {import("./demo.js").Row[]} */
let networkRows;
/** @type {Map<string, Promise<import("./frames.js").Predictor>>} */
const loaded = new Map(); // by file

/** @param {string} file */
function load(file) {
  if (!loaded.has(file)) {
    loaded.set(file, networks.load({ file, frames: about.frames, side: about.side }));
    loaded.get(file).catch(() => loaded.delete(file)); // to be tried again
  }
  return loaded.get(file);
}

/**
 * Fetch the networks for a period, and begin a random pattern of it at the next tick.
 * @param {number} period frames until the light repeats
 */
async function choose(period) {
  state.asked = period;
  part("pattern").disabled = true;
  demo.showMessage("Loading …");
  try {
    const predict = await Promise.all(about.networks.map((/** @type {any} */ { periods }) => load(periods[period].file)));
    if (period !== state.asked) return; // the slider has moved on
    state.fresh = { pattern: blinkingLight.anyPattern(period), predict };
    demo.showMessage("");
  } catch (error) {
    if (period !== state.asked) return;
    demo.showMessage(`The networks for ${period} frames did not load: ${error.message}. Another pattern tries again.`);
  }
}

/**
 * Begin as if the light had always repeated its pattern: the context is full at once.
 * @param {Fresh} fresh
 */
function begin({ pattern, predict }) {
  state.pattern = pattern;
  context = new Context(about.frames);
  for (state.time = 0; state.time < about.frames; state.time++) {
    context.add(blinkingLight.frame(blinkingLight.isLit(pattern, state.time)));
  }
  about.networks.forEach((/** @type {any} */ { periods }, /** @type {number} */ index) => {
    networkRows[index].setPredictor(predict[index], `memory ${periods[pattern.length].memory.toFixed(2)}`);
  });
  for (const row of demo.rows) row.reset();
  layPattern();
  for (const [index, canvas] of [...part("strip").children].entries()) {
    canvas.classList.toggle("live-decides", index === about.frames - pattern.length);
  }
}

/** A box for each frame of the pattern, to make it another one. */
function layPattern() {
  const boxes = state.pattern.map((isLit, index) => {
    const label = document.createElement("label");
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = isLit;
    box.addEventListener("change", () => (state.pattern[index] = box.checked));
    label.append(box, ` ${index + 1}`);
    return label;
  });
  part("pattern").replaceChildren(part("pattern").querySelector("legend"), ...boxes);
  part("pattern").disabled = false;
}

/** Mark the frame that is on show in the pattern; return it in words. */
function mark() {
  const now = (state.time - 1) % state.pattern.length;
  for (const [index, box] of part("pattern").querySelectorAll("input").entries()) {
    box.setAttribute("aria-current", String(index === now));
  }
  const words = `${blinkingLight.brightnessOf(context.frames.at(-1))}, frame ${now + 1} of ${state.pattern.length}`;
  part("truth").setAttribute("aria-label", `The light: ${words}`);
  return words;
}

/** Show the next frame beside its forecasts. */
function goOn() {
  const truth = blinkingLight.frame(blinkingLight.isLit(state.pattern, state.time++));
  const forecasts = networkRows.map(({ title, next }) => `${title}: ${blinkingLight.brightnessOf(next)}`);
  for (const row of demo.rows) row.show(truth);
  context.add(truth);
  const words = mark();
  if (state.paused) demo.showMessage(`The light is ${words}. Forecasts were: ${forecasts.join("; ")}.`);
  state.pendingFrames = 0;
}

async function tick() {
  if (state.fresh) {
    begin(state.fresh);
    state.fresh = null;
    mark();
  } else if (context && (!state.paused || state.pendingFrames > 0)) goOn();
  else return;
  showFrame(part("truth"), context.frames.at(-1));
  demo.showStrip(context);
  for (const row of demo.rows) row.next = await row.predict(context.flat());
}

async function start() {
  [about] = await Promise.all([networks.listed("memory"), networks.loadRuntime()]);
  demo.layStrip(about.frames);
  const seen = Math.min(...about.networks.map((/** @type {any} */ { sees }) => sees));
  for (const canvas of [...part("strip").children].slice(-seen)) canvas.classList.add("live-in-sight");
  demo.addCopying(blinkingLight.SIDE);
  networkRows = about.networks.map((/** @type {any} */ { title }) => demo.addRow(title, blinkingLight.SIDE));
  demo.pausable(state);
  part("pause").addEventListener("click", () => demo.showMessage("")); // what was said of a frame is over
  part("step").addEventListener("click", () => (state.pendingFrames = Number(state.paused)));
  part("another").addEventListener("click", () => choose(state.asked));
  const period = demo.slider("period", choose);
  demo.open();
  part("pause").focus();
  choose(period);
  demo.run(FRAMES_A_SECOND, tick);
}

if (root) demo.offer(start);
