// @ts-check
// "A world you steer" on the page "Try it": a game, and beside it a network that has learned it and dreams it on.

import { Demo } from "./demo.js";
import { Context } from "./frames.js";
import { ballCentre, numberOfBalls, paddleColumn } from "./gameMeasures.js";
import * as networks from "./networks.js";
import { CELL, PADDLE, PADDLE_ROW, render, serve, step } from "./paddleGame.js";
import { showError, showFrame } from "./pictures.js";

const [STAY, LEFT, RIGHT] = [0, 1, 2];
const KEYS = { ArrowLeft: LEFT, ArrowRight: RIGHT };

const root = document.getElementById("steer");
const demo = new Demo(root);
const part = (name) => demo.part(name);

const state = {
  truth: serve(),
  held: STAY, // the key that is down
  tapped: STAY, // a key that went down since the last frame, though it may be up again
  since: 0, // frames since the network last saw the truth
  paused: false,
  pendingFrames: 0, // to be shown although the demo is paused
  speed: 12, // frames a second
};
/** @type {Context} */
let seen; // the last frames of the game
/** @type {Context} */
let dream; // the last frames of the network's own
/** @type {import("./frames.js").Predictor} */
let predict;

/** Let the network go on from the game's frames, and no longer from its own. */
function resetToTruth() {
  dream = seen.copy();
  state.since = 0;
  state.pendingFrames = Math.max(state.pendingFrames, 1);
}

/** Begin a new game, which has been on for as long as the network looks back. */
function serveAnew() {
  state.truth = serve();
  seen.frames = [];
  while (!seen.full) goOn(STAY);
  resetToTruth();
}

/** @param {number} action */
function goOn(action) {
  state.truth = step(state.truth, action);
  seen.add(render(state.truth));
}

/**
 * Where things are in a frame, in words, and in cells of the game: the ball as seen from the paddle.
 * @param {Float32Array} frame
 */
function placesInWords(frame) {
  const [balls, ball, paddle] = [numberOfBalls(frame), ballCentre(frame), paddleColumn(frame)];
  if (paddle === null) return "there is no paddle";
  const middle = (paddle + (CELL * PADDLE) / 2) / CELL; // of the paddle, in cells from the left
  const ofPaddle = `the paddle is ${cells(Math.round(middle - 2.5))} from the left wall`;
  if (balls === 0 || ball === null) return `${ofPaddle}, and no ball can be seen`;
  if (balls > 1) return `${ofPaddle}, and there are ${balls} balls`;
  const across = Math.round((ball.column + 0.5) / CELL - middle);
  const above = Math.round(PADDLE_ROW + 0.5 - (ball.row + 0.5) / CELL);
  const side = across === 0 ? "over its middle" : `${cells(across)} to the ${across < 0 ? "left" : "right"} of its middle`;
  return `${ofPaddle}; the ball is ${side}, ${cells(above)} ${above < 0 ? "below" : "above"} it`;
}

/** @param {number} pixels */
const offBy = (pixels) => (Math.round(pixels) === 0 ? "in place" : `off by ${Math.round(Math.abs(pixels))} pixels`);

/** @param {number} count */
const cells = (count) => (Math.abs(count) === 1 ? "1 cell" : `${Math.abs(count)} cells`);

/**
 * How far the dream has drifted from the game, in words.
 * @param {Float32Array} truth
 * @param {Float32Array} dreamt
 */
function driftInWords(truth, dreamt) {
  const [paddle, paddleThere] = [paddleColumn(truth), paddleColumn(dreamt)];
  const [ball, ballThere] = [ballCentre(truth), ballCentre(dreamt)];
  const balls = numberOfBalls(dreamt);
  const ofPaddle = paddleThere === null ? "gone" : offBy(paddleThere - paddle);
  let ofBall = "hidden or gone";
  if (balls > 1) ofBall = `split into ${balls}`;
  else if (ballThere && ball) ofBall = offBy(Math.hypot(ballThere.row - ball.row, ballThere.column - ball.column));
  else if (ballThere) ofBall = "seen where it should be hidden";
  else if (!ball) ofBall = "hidden, as it should be";
  return `paddle ${ofPaddle}, ball ${ofBall}`;
}

/** Both worlds go on by a frame, steered by the same key. */
async function tick() {
  if (state.paused && state.pendingFrames <= 0) return;
  state.pendingFrames--;
  const action = state.held || state.tapped;
  state.tapped = STAY;
  const own = dream;
  const said = await predict(own.flat(), action);
  if (own !== dream) return; // it was reset meanwhile
  goOn(action);
  dream.add(said.map(Math.round)); // as it was trained: a frame is black or white
  state.since++;
  show();
}

function show() {
  const [truth, dreamt] = [seen.frames.at(-1), dream.frames.at(-1)];
  showFrame(part("truth"), truth);
  showFrame(part("dream"), dreamt);
  showError(part("difference"), truth, dreamt, 1);
  const differ = truth.reduce((count, value, place) => count + Number(value !== dreamt[place]), 0);
  part("drift").value = differ;
  part("drift").textContent = String(differ);
  part("drift-value").textContent = `${differ} of ${truth.length} pixels differ, ${state.since} ${state.since === 1 ? "frame" : "frames"} after the truth; ${driftInWords(truth, dreamt)}`;
}

/** Steer by the arrow keys on the game, and by two buttons that act as long as they are held. */
function listenToHands() {
  const canvas = part("truth");
  const steer = (/** @type {number} */ action) => {
    state.held = action;
    state.tapped ||= action;
    for (const [name, of] of [["left", LEFT], ["right", RIGHT]]) demo.press(String(name), action === of);
  };
  canvas.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (!(event.key in KEYS) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    steer(KEYS[event.key]);
    if (state.paused) state.pendingFrames = 1; // a key is a frame
  });
  canvas.addEventListener("keyup", (/** @type {KeyboardEvent} */ event) => KEYS[event.key] === state.held && steer(STAY));
  canvas.addEventListener("blur", () => steer(STAY));
  for (const [name, action] of [["left", LEFT], ["right", RIGHT]]) {
    const button = part(String(name));
    const isKey = (/** @type {KeyboardEvent} */ event) => event.key === " " || event.key === "Enter";
    const press = () => {
      steer(Number(action));
      if (state.paused) state.pendingFrames = 1;
    };
    let byKey = false;
    button.addEventListener("pointerdown", press);
    button.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      byKey = isKey(event);
      if (byKey) press();
    });
    // screen readers and voice control send a click alone: it steers for a frame
    button.addEventListener("click", (/** @type {MouseEvent} */ event) => {
      if (event.detail === 0 && !byKey) {
        press();
        steer(STAY);
      }
      byKey = false;
    });
    for (const end of ["pointerup", "pointercancel", "pointerleave", "keyup", "blur"]) button.addEventListener(end, () => steer(STAY));
  }
}

async function start() {
  const [about] = await Promise.all([networks.listed("steer"), networks.loadRuntime()]);
  predict = await networks.load(about);
  seen = new Context(about.frames);
  demo.pausable(state);
  listenToHands();
  part("reset").addEventListener("click", resetToTruth);
  part("serve").addEventListener("click", serveAnew);
  part("step").addEventListener("click", () => (state.pendingFrames = Number(state.paused)));
  part("where").addEventListener("click", () => {
    const [game, dreamt] = [seen, dream].map((context) => placesInWords(context.frames.at(-1)));
    demo.showMessage(`In the game, ${game}. In the dream, ${dreamt}.`);
  });
  serveAnew();
  demo.open();
  part("truth").focus();
  state.speed = demo.slider("speed", (speed) => (state.speed = speed));
  demo.run(() => state.speed, tick);
}

if (root) demo.offer(start);
