// What the two films of the page "Try it" share: a button to start, named parts, sliders, rows of forecasts, a clock.

import { squaredError } from "./frames.js";
import * as networks from "./networks.js";
import { showError, showFrame } from "./pictures.js";

const AVERAGED = 10; // frames that a row's error is the mean of

/** A row of the page: a forecast, where it errs, and its error over the last ten frames. */
class Row {
  constructor(parent, title, side) {
    this.title = title;
    this.black = new Float32Array(side ** 2);
    const level = Number(parent.previousElementSibling.tagName.slice(1)) + 1; // below the heading of all rows
    this.element = document.createElement("div");
    this.element.className = "live-row";
    this.element.innerHTML = `<h${level}></h${level}><canvas role="img"></canvas><canvas role="img"></canvas><p></p>`;
    this.element.firstChild.textContent = title;
    [this.forecast, this.errors] = this.element.querySelectorAll("canvas");
    this.forecast.setAttribute("aria-label", `Forecast of ${title}`);
    this.errors.setAttribute("aria-label", `Error of ${title}: red is too bright, blue too dark`);
    this.said = this.element.querySelector("p");
    parent.append(this.element);
    this.learn(null);
    this.forget();
  }

  /** Forecast by a function from a context to a frame from now on; the note stands beside the error. */
  learn(predict, note = "") {
    this.predict = predict;
    this.note = note;
    return this;
  }

  /** What was said of another film is not part of this one. */
  forget() {
    this.next = null;
    this.recent = [];
    for (const canvas of [this.forecast, this.errors]) showFrame(canvas, this.black);
    this.said.textContent = this.note;
  }

  /** The frame has come: show it beside what was said of it. */
  show(truth) {
    if (!this.next) return;
    showFrame(this.forecast, this.next);
    showError(this.errors, truth, this.next);
    this.recent.push(squaredError(truth, this.next));
    this.recent = this.recent.slice(-AVERAGED);
    const mean = this.recent.reduce((sum, value) => sum + value, 0) / this.recent.length;
    this.said.textContent = `error ${mean.toFixed(1)}${this.note && `; ${this.note}`}`;
  }
}

export class Stage {
  constructor(root) {
    this.root = root;
    this.rows = [];
    this.stopped = false;
  }

  part(name) {
    return this.root.querySelector(`[data-part="${name}"]`);
  }

  say(text) {
    if (!this.stopped) this.part("message").textContent = text;
  }

  /** Show the button that starts everything; until it is pressed, nothing is loaded. */
  offer(start) {
    const button = this.part("start");
    const missing = networks.whatIsMissing();
    this.say(missing);
    this.part("ask").hidden = missing !== "";
    button.disabled = false; // some browsers remember otherwise when a page is loaded again
    button.addEventListener("click", async () => {
      button.disabled = true;
      this.say("Loading …");
      try {
        await start();
      } catch (error) {
        button.disabled = false;
        this.say(`The page could not be started: ${error.message}`);
      }
    });
  }

  /** All is loaded: the stage takes the place of the button. */
  open() {
    this.part("ask").hidden = true;
    this.part("stage").hidden = false;
  }

  slider(name, change) {
    const input = this.part(name);
    const show = () => {
      this.part(`${name}-value`).textContent = input.value;
      input.setAttribute("aria-valuetext", input.parentElement.textContent.split(":")[1].trim());
      change(Number(input.value));
    };
    input.addEventListener("input", show);
    show();
  }

  /** Say whether a button that stays down is down. */
  press(name, isDown) {
    this.part(name).setAttribute("aria-pressed", String(isDown));
  }

  /** Let the button "pause" say whether the film stands; who wants no motion begins with a film that does. */
  pausable(world) {
    const pause = (on) => {
      world.paused = on;
      this.press("pause", on);
    };
    pause(matchMedia("(prefers-reduced-motion: reduce)").matches);
    this.part("pause").addEventListener("click", () => pause(!world.paused));
  }

  addRow(title, side) {
    const row = new Row(this.part("rows"), title, side);
    this.rows.push(row);
    return row;
  }

  /** The row to beat. */
  addCopying(side) {
    this.addRow("the last frame, copied", side).learn(async (values) => values.slice(-(side ** 2)));
  }

  removeRow(row) {
    row.element.remove();
    this.rows = this.rows.filter((other) => other !== row);
  }

  /** Make place for the frames that the networks see. */
  layStrip(length) {
    this.part("strip").replaceChildren(...Array.from({ length }, () => document.createElement("canvas")));
  }

  showStrip(context) {
    context.frames.forEach((frame, index) => showFrame(this.part("strip").children[index], frame));
  }

  /** Let time pass: so many ticks a second, or as many as this machine can. */
  async run(ticksASecond, tick) {
    const began = performance.now();
    try {
      await tick();
    } catch (error) {
      this.say(`The film stopped: ${error.message}. Reload the page to go on.`);
      this.stopped = true;
      throw error;
    }
    this.root.dataset.ticks = Number(this.root.dataset.ticks ?? 0) + 1;
    setTimeout(() => this.run(ticksASecond, tick), Math.max(0, 1000 / ticksASecond - (performance.now() - began)));
  }
}
