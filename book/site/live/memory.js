// "Who remembers?" on the page "Try it": a light whose next frame is the one a period ago, and networks that have
// learned just that, one of each kind for each period.

import { Context } from "./frames.js";
import * as light from "./light.js";
import * as networks from "./networks.js";
import { showFrame } from "./pictures.js";
import { Stage } from "./stage.js";

const FRAMES_A_SECOND = 3; // and no more, whoever presses what: a light that flashes faster can harm

const root = document.getElementById("memory");
const stage = new Stage(root);
const part = (name) => stage.part(name);

const world = {
  pattern: [],
  time: 0, // of the next frame
  paused: false,
  due: false, // whether a frame comes although the film is paused
  asked: 0, // the period that the slider stands at
  fresh: null, // a film that the next tick begins
};
let about; // what there is: see tools/export_models.py, which writes it
let context; // what the networks see
let learners; // the rows of the networks
const loaded = new Map(); // by file

function load(file) {
  if (!loaded.has(file)) {
    loaded.set(file, networks.load({ file, frames: about.frames, side: about.side }));
    loaded.get(file).catch(() => loaded.delete(file)); // to be tried again
  }
  return loaded.get(file);
}

/** Fetch what has learned a period, then begin a film of it. */
async function choose(period) {
  world.asked = period;
  part("pattern").disabled = true;
  stage.say("Loading …");
  try {
    const predict = await Promise.all(about.networks.map(({ periods }) => load(periods[period].file)));
    if (period !== world.asked) return; // the slider has moved on
    world.fresh = { pattern: light.anyPattern(period), predict };
    stage.say("");
  } catch (error) {
    if (period !== world.asked) return;
    stage.say(`The networks for ${period} frames did not load: ${error.message}. Another pattern tries again.`);
  }
}

/** Begin a film of a light that has always repeated its pattern: its past is there at once. */
function begin({ pattern, predict }) {
  world.pattern = pattern;
  context = new Context(about.frames);
  for (world.time = 0; world.time < about.frames; world.time++) {
    context.add(light.frame(light.isLit(pattern, world.time)));
  }
  about.networks.forEach(({ periods }, index) => {
    learners[index].learn(predict[index], `memory ${periods[pattern.length].memory.toFixed(2)}`);
  });
  for (const row of stage.rows) row.forget();
  layPattern();
  for (const [index, canvas] of [...part("strip").children].entries()) {
    canvas.classList.toggle("live-decides", index === about.frames - pattern.length);
  }
}

/** A box for each frame of the pattern, to make it another one. */
function layPattern() {
  const boxes = world.pattern.map((isLit, index) => {
    const label = document.createElement("label");
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = isLit;
    box.addEventListener("change", () => (world.pattern[index] = box.checked));
    label.append(box, ` ${index + 1}`);
    return label;
  });
  part("pattern").replaceChildren(part("pattern").querySelector("legend"), ...boxes);
  part("pattern").disabled = false;
}

/** Mark the frame that is on show, in words too. */
function mark() {
  const now = (world.time - 1) % world.pattern.length;
  for (const [index, box] of part("pattern").querySelectorAll("input").entries()) {
    box.setAttribute("aria-current", String(index === now));
  }
  const words = `${light.looks(context.frames.at(-1))}, frame ${now + 1} of ${world.pattern.length}`;
  part("truth").setAttribute("aria-label", `The light: ${words}`);
  return words;
}

/** The next frame comes: show it beside what was said of it. */
function goOn() {
  const truth = light.frame(light.isLit(world.pattern, world.time++));
  const forecasts = learners.map(({ title, next }) => `${title}: ${light.looks(next)}`);
  for (const row of stage.rows) row.show(truth);
  context.add(truth);
  const words = mark();
  if (world.paused) stage.say(`The light is ${words}. Forecasts were: ${forecasts.join("; ")}.`);
  world.due = false;
}

async function tick() {
  if (world.fresh) {
    begin(world.fresh);
    world.fresh = null;
    mark();
  } else if (context && (!world.paused || world.due)) goOn();
  else return;
  showFrame(part("truth"), context.frames.at(-1));
  stage.showStrip(context);
  for (const row of stage.rows) row.next = await row.predict(context.flat());
}

async function start() {
  [about] = await Promise.all([networks.listed("memory"), networks.loadRuntime()]);
  stage.layStrip(about.frames);
  const seen = Math.min(...about.networks.map(({ sees }) => sees));
  for (const canvas of [...part("strip").children].slice(-seen)) canvas.classList.add("live-in-sight");
  stage.addCopying(light.SIDE);
  learners = about.networks.map(({ title }) => stage.addRow(title, light.SIDE));
  stage.pausable(world);
  part("pause").addEventListener("click", () => stage.say("")); // what was said of a frame is over
  part("step").addEventListener("click", () => (world.due = world.paused));
  part("another").addEventListener("click", () => choose(world.asked));
  stage.slider("period", choose);
  stage.open();
  part("pause").focus();
  stage.run(FRAMES_A_SECOND, tick);
}

if (root) stage.offer(start);
