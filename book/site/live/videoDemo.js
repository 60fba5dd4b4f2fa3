// @ts-check
// "Your own video" on the page "Try it": a clip, a file or the camera, and forecasts of its next frame.

import { Demo } from "./demo.js";
import { Context } from "./frames.js";
import * as networks from "./networks.js";
import { showFrame } from "./pictures.js";
import { Rollout, rolledOut } from "./rollout.js";
import { openCamera, openVideo } from "./videoSources.js";

const FRAMES_A_SECOND = 15;
const CLIP = "the bottle";
const LOOK = { largest: 0.2, averaged: 30 }; // errors are small in real video, and skill is steadier over two seconds

const root = document.getElementById("video");
const demo = new Demo(root);
const part = (name) => demo.part(name);

const state = {
  /** @type {import("./videoSources.js").Source | null} */
  source: null,
  asked: 0, // sources asked for so far: one that comes late, after another was asked for, is dropped
  every: 1, // frames of the video from one to the next
  side: 0, // of a frame, in pixels
  askedSide: 0, // the one that the reader wants, whose network may still load
  number: 0, // of the frame on show
  paused: false,
  pendingFrames: 0, // to be shown although the demo is paused
  stepping: false, // whether the frame to come was asked for by itself
  rolling: false, // whether a rollout is asked for
};
/** @type {any} */
let about; // models/video.json: see tools/export_models.py, which writes it
/** @type {Context} */
let context; // what the forecasts are made from
/** @type {import("./demo.js").Row} */
let networkRow;
/** @type {Rollout} */
let rollout;
/** @type {Map<number, Promise<import("./frames.js").Predictor>>} */
const loaded = new Map(); // networks, by the side of their frames

/** @param {number} side */
function load(side) {
  if (!loaded.has(side)) {
    loaded.set(side, networks.load({ file: about.sides[side].file, frames: about.frames, side }));
    loaded.get(side).catch(() => loaded.delete(side)); // to be tried again
  }
  return loaded.get(side);
}

/** Begin anew: what is seen now does not follow from what was seen before. */
function forget() {
  context = new Context(about.frames);
  for (const row of demo.rows) row.next = null;
  rollout.drop();
}

/**
 * Go on with frames of this size.
 * @param {number} side
 */
async function resize(side) {
  state.askedSide = side;
  const predict = await load(side);
  if (side !== state.askedSide) return; // the reader has gone on
  state.side = side;
  for (const row of demo.rows) demo.removeRow(row);
  const copying = demo.addCopying(side, LOOK);
  copying.beat = copying;
  const look = { ...LOOK, beat: copying };
  demo.addRow("last frame plus half of the last change", side, look).setPredictor(async (values) => {
    const [before, last] = [values.slice(-2 * side ** 2, -(side ** 2)), values.slice(-(side ** 2))];
    return last.map((value, place) => Math.min(1, Math.max(0, value + (value - before[place]) / 2)));
  });
  networkRow = demo.addRow(about.title, side, look).setPredictor(predict);
  forget();
  state.pendingFrames = about.frames + 1;
}

/**
 * Show another source from now on.
 * @param {string} words what comes
 * @param {() => Promise<import("./videoSources.js").Source>} open
 */
async function change(words, open) {
  const asked = ++state.asked;
  demo.showMessage(`Opening ${words} …`);
  try {
    const source = await open();
    if (asked !== state.asked) return source.close();
    state.source?.close();
    state.source = source;
    for (const row of demo.rows) row.reset();
    forget();
    state.pendingFrames = about.frames + 1;
    part("truth").setAttribute("aria-label", `The video: ${words}`);
    demo.showMessage(`Now playing: ${words}.`);
  } catch (error) {
    if (asked === state.asked) demo.showMessage(error.message);
  }
}

/** The state of things in words, for readers who step through frames. */
function inWords() {
  const skills = demo.rows.slice(1).map((row) => `${row.title}: ${row.said.textContent}`);
  return `Frame ${state.number + 1}. ${skills.join(". ")}.`;
}

/** Show the next frame beside its forecasts, then forecast the one after. */
async function tick() {
  const { source, side } = state;
  if (!source || (state.paused && state.pendingFrames <= 0 && !state.rolling)) return;
  if (!state.paused || state.pendingFrames > 0) {
    state.pendingFrames--;
    const came = await source.next(state.every, side);
    if (source !== state.source || side !== state.side) return; // another was chosen meanwhile
    if (!came.follows) forget();
    state.number = came.number;
    showFrame(part("truth"), came.frame);
    for (const row of demo.rows) row.show(came.frame);
    rollout.add(came.frame);
    context.add(came.frame);
    if (context.full) for (const row of demo.rows) row.next = await row.predict(context.flat());
    if (state.stepping) demo.showMessage(inWords());
    state.stepping = false;
  }
  if (state.rolling && context.full) {
    state.rolling = false;
    rollout.begin(context.frames.at(-1), await rolledOut(networkRow.predict, context));
  }
}

/** A tick whose failure ends the source, not the demo. */
async function safeTick() {
  const { source } = state;
  try {
    await tick();
  } catch (error) {
    if (source !== state.source) return; // it was closed while a frame was awaited
    source.close();
    state.source = null;
    demo.showMessage(`The video stopped: ${error.message} Choose another one.`);
  }
}

function listenToControls() {
  const playClip = () =>
    change(CLIP, async () => {
      const file = await networks.fetched(new URL(about.clip, import.meta.url));
      return openVideo(await file.blob(), CLIP, about.first);
    });
  part("clip").addEventListener("click", playClip);
  part("camera").addEventListener("click", () => change("your camera", openCamera));
  part("open").addEventListener("click", () => part("file").click());
  part("file").addEventListener("change", () => {
    const [file] = part("file").files;
    if (file) change(file.name, () => openVideo(file, file.name));
    part("file").value = ""; // so that the same file can be chosen again
  });
  part("step").addEventListener("click", () => {
    if (!state.paused) return;
    state.pendingFrames = 1;
    state.stepping = true;
  });
  part("roll").addEventListener("click", () => (state.rolling = true));
  state.every = demo.slider("every", (every) => {
    state.every = every;
    forget();
    state.pendingFrames = about.frames + 1;
  });
  for (const choice of part("sides").querySelectorAll("input")) {
    choice.addEventListener("change", async () => {
      demo.showMessage(`Loading the network for frames of ${choice.value}×${choice.value} …`);
      try {
        await resize(Number(choice.value));
        demo.showMessage("");
      } catch (error) {
        part("sides").querySelector(`[value="${state.side}"]`).checked = true;
        demo.showMessage(`The network did not load: ${error.message}`);
      }
    });
  }
  return playClip;
}

async function start() {
  [about] = await Promise.all([networks.listed("video"), networks.loadRuntime()]);
  rollout = new Rollout(demo, LOOK.largest);
  await resize(Number(part("sides").querySelector("input:checked").value));
  // only now, since whatever fails before can be started again
  demo.pausable(state);
  const playClip = listenToControls();
  demo.open();
  part("pause").focus();
  await playClip();
  demo.run(FRAMES_A_SECOND, safeTick);
}

if (root) demo.offer(start);
