// A page may hold several worlds, and each brings this script: start those that have not been started.
for (const root of document.querySelectorAll(".nextframe-world:not([data-started])")) {
  root.dataset.started = "yes";
  const [hold, presses, fps] = ["hold", "presses", "fps"].map((name) => Number(root.dataset[name]));
  const [canvas, output, again] = ["canvas", "output", ".again"].map((part) => root.querySelector(part));
  const keys = [...root.querySelectorAll("[data-action]")];
  const side = canvas.width;
  const world = new Image();
  let place, pressed, timer; // the row of the picture, keys so far, and what plays
  const draw = (frame) => canvas.getContext("2d").drawImage(world, frame * side, place * side, side, side, 0, 0, side, side);
  const say = () => {
    const left = presses - pressed;
    output.textContent = left ? `${pressed * hold} frames drawn. Press a key: it is held for ${hold} frames.` : `${pressed * hold} frames drawn; no more are stored here.`;
    for (const key of keys) key.disabled = left === 0;
  };
  const play = (row, count) => {
    clearInterval(timer);
    [place, pressed] = [row, count];
    let frame = count ? 0 : hold - 1; // at the start, the last true frame
    draw(frame);
    say();
    timer = setInterval(() => (frame + 1 < hold ? draw(++frame) : clearInterval(timer)), 1000 / fps);
  };
  world.addEventListener("load", () => {
    root.querySelector(".still").hidden = true;
    root.querySelector(".live").hidden = false;
    play(0, 0);
  });
  // What follows a row after an action: rows are numbered level by level
  for (const key of keys) key.addEventListener("click", () => play(keys.length * place + 1 + Number(key.dataset.action), pressed + 1));
  again.addEventListener("click", () => play(0, 0));
  world.src = root.dataset.world;
}
