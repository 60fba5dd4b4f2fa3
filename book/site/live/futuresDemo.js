// @ts-check
// "A fan of futures" on the page "Try it": a digit that leaves each wall by chance, and a network that draws what may come.

import { Demo, picture } from "./demo.js";
import { Context } from "./frames.js";
import { counted, drawnFuture, quarter, seeded } from "./futures.js";
import * as movingDigits from "./movingDigits.js";
import * as networks from "./networks.js";
import { showFrame } from "./pictures.js";
import { HORIZON, rolledOut } from "./rollout.js";

const FUTURES = 6;
const FRAMES_A_SECOND = 4;

const root = document.getElementById("futures");
const demo = new Demo(root);
const part = (name) => demo.part(name);

const state = {
  /** @type {Float32Array[]} */
  came: [],
  /** @type {Float32Array[]} */
  plain: [], // forecasts of the network that draws nothing
  /** @type {import("./futures.js").Future[]} */
  futures: [], // as many as are drawn so far
  ahead: 0, // of the frame on show; up to 0 it is one that was seen
  wall: 0, // how far ahead the digit first comes to a wall
  seed: 0,
  paused: false,
};
/** @type {Context} */
let past;
/** @type {Uint8ClampedArray[]} */
let images;
/** @type {import("./frames.js").Predictor} */
let predict;
/** @type {import("./futures.js").Drawer} */
let draw;
/** @type {{canvas: HTMLCanvasElement, said: HTMLElement, words: () => string, frames: () => Float32Array[] | undefined}[]} */
let panels;

/** A clip as the networks were trained on, in which the digit first comes to a wall when the slider says. */
function anyClip() {
  const { random } = Math;
  const image = images[Math.floor(random() * images.length)];
  const place = () => (movingDigits.SIDE - movingDigits.DIGIT) * random();
  const angle = () => 2 * Math.PI * random();
  for (;;) {
    let digit = movingDigits.digit(image, { x: place(), y: place(), speed: 1 + 1.5 * random(), angle: angle() });
    const clip = [digit];
    while (clip.length < past.length + HORIZON) clip.push((digit = movingDigits.movedByChance(digit, angle())));
    if (clip.findIndex(movingDigits.isAtWall) === past.length - 1 + state.wall) return clip.map((each) => movingDigits.drawn([each]));
  }
}

/** Forget what was drawn; the futures of the seed follow, one a tick. */
function drawAgain() {
  state.futures = [];
  demo.showMessage(""); // what was said of the others is over
  show();
}

function takeClip() {
  const clip = anyClip();
  past.frames = clip.slice(0, past.length);
  state.came = clip.slice(past.length);
  state.plain = [];
  drawAgain();
}

/** Add the plain forecasts and the next future, to lists that may have been put away meanwhile. */
async function goOnDrawing() {
  const { futures, plain, seed } = state;
  if (plain.length === 0) plain.push(...(await rolledOut(predict, past)));
  const chances = Array.from({ length: FUTURES * HORIZON }, seeded(seed)).slice(futures.length * HORIZON);
  futures.push(await drawnFuture(draw, past, chances.slice(0, HORIZON)));
  show();
}

const isDrawn = () => state.futures.length === FUTURES;

/**
 * The frame where the slider stands, if it is there yet.
 * @param {Float32Array[]} [future]
 */
function onShow(future = []) {
  return state.ahead > 0 ? future[state.ahead - 1] : past.frames[past.length - 1 + state.ahead];
}

function show() {
  for (const { canvas, said, words, frames } of panels) {
    showFrame(canvas, onShow(frames()) ?? new Float32Array(movingDigits.SIDE ** 2));
    said.textContent = words();
  }
}

/** Say in which quarter of the frame the digit is: in what came, and in how many of the futures. */
function sayWhere() {
  const drawn = counted(state.futures.map(({ frames }) => quarter(onShow(frames))));
  const words = drawn.map(([place, count]) => `${count} in the ${place}`).join(", ");
  demo.showMessage(`Frame ${state.ahead}: the digit is in the ${quarter(onShow(state.came))}. In the futures: ${words}.`);
}

/**
 * Move a slider, as a reader does.
 * @param {string} name
 * @param {number} value
 */
function move(name, value) {
  part(name).value = value;
  part(name).dispatchEvent(new Event("input"));
}

/** Draw what is missing; then play the past and its futures, again and again. */
async function tick() {
  if (!isDrawn()) await goOnDrawing();
  else if (!state.paused) move("ahead", state.ahead < HORIZON ? state.ahead + 1 : 1 - past.length);
}

/** @param {number} index of a future */
function oddsInWords(index) {
  const odds = state.futures[index]?.odds[state.ahead - 1];
  return state.ahead > 0 ? `odds ${odds?.toFixed(2) ?? "…"}` : "seen";
}

function layPanels() {
  const futures = Array.from({ length: FUTURES }, (_, index) => ({
    title: `Future ${index + 1}`,
    words: () => `Future ${index + 1}: ${oddsInWords(index)}`,
    frames: () => state.futures[index]?.frames,
  }));
  const others = [
    { title: "What came", words: () => "What came", frames: () => state.came },
    { title: "Plain Conv2D", words: () => "Plain Conv2D", frames: () => state.plain },
  ];
  panels = [...others, ...futures].map((about) => ({ ...about, canvas: picture(about.title), said: document.createElement("p") }));
  for (const { canvas, said } of panels) {
    const panel = document.createElement("div");
    panel.append(said, canvas);
    part("panels").append(panel);
  }
}

async function start() {
  const about = await networks.listed("futures");
  [draw, predict, images] = await Promise.all([
    networks.loadDrawer(about.drawer),
    networks.load(about.plain),
    movingDigits.readImages(),
  ]);
  past = new Context(about.drawer.frames);
  layPanels();
  demo.pausable(state);
  state.wall = demo.slider("wall", (wall) => {
    state.wall = wall;
    takeClip();
  });
  state.seed = demo.slider("seed", (seed) => {
    state.seed = seed;
    drawAgain();
  });
  state.ahead = demo.slider("ahead", (ahead) => {
    state.ahead = ahead;
    show();
  });
  part("ahead").addEventListener("input", (/** @type {Event} */ event) => event.isTrusted && !state.paused && part("pause").click());
  part("again").addEventListener("click", () => move("seed", (state.seed % part("seed").max) + 1));
  part("another").addEventListener("click", takeClip);
  part("where").addEventListener("click", sayWhere);
  takeClip();
  demo.open();
  part("again").focus();
  demo.run(() => (isDrawn() ? FRAMES_A_SECOND : 60), tick);
}

if (root) demo.offer(start);
