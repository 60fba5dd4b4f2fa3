// A page may hold several explorers, and each brings this script: start those that have not been started.
for (const root of document.querySelectorAll(".nextframe-explorer:not([data-started])")) {
  root.dataset.started = "yes";
  const clip = JSON.parse(root.dataset.clip);
  const part = (name) => root.querySelector("." + name);
  const sliders = Object.fromEntries([...root.querySelectorAll("input")].map((input) => [input.name, input]));
  for (const name in sliders) sliders[name].value = clip.start[name];
  const value = (name) => Number(sliders[name].value);
  const zoom = Math.ceil(160 / clip.width);
  for (let i = 0; i < clip.frames; i++) part("timeline").append(document.createElement("i"));

  function frame(number, role) {
    const figure = document.createElement("figure");
    const picture = document.createElement("div");
    figure.className = role;
    picture.className = "frame";
    picture.style.width = clip.width * zoom + "px";
    picture.style.height = clip.height * zoom + "px";
    picture.style.backgroundImage = `url(${clip.sprite})`;
    picture.style.backgroundSize = `${clip.frames * clip.width * zoom}px ${clip.height * zoom}px`;
    picture.style.backgroundPosition = `-${number * clip.width * zoom}px 0`;
    figure.append(picture, `frame ${number}`);
    return figure;
  }

  function draw() {
    const [context, horizon, stride, step] = ["context", "horizon", "stride", "frame_step"].map(value);
    const span = (context + horizon - 1) * step + 1;
    const windows = Math.max(0, Math.floor((clip.frames - span) / stride) + 1);
    sliders.position.max = Math.max(0, windows - 1); // the browser moves the slider back if need be
    for (const name in sliders) sliders[name].previousElementSibling.value = value(name);
    const call = `sliding_windows(clip, context=${context}, horizon=${horizon}, stride=${stride}, frame_step=${step})`;
    part("window").replaceChildren();
    for (const mark of part("timeline").children) mark.className = "";
    if (!windows) {
      part("summary").textContent = `${call}: this window reaches over ${span} frames, and the clip has ${clip.frames}.`;
      return;
    }
    const first = value("position") * stride;
    const numbers = Array.from({ length: context + horizon }, (_, k) => first + k * step);
    numbers.forEach((number, k) => {
      const role = k < context ? "context" : "target";
      part("timeline").children[number].className = role;
      part("window").append(frame(number, role));
    });
    const size = `${clip.height}, ${clip.width}`;
    const code = document.createElement("code");
    code.textContent = call;
    part("summary").replaceChildren(
      code, document.createElement("br"),
      `${windows} windows. Window ${value("position")} sees frames ${numbers.slice(0, context).join(", ")} ` +
      `and predicts ${numbers.slice(context).join(", ")}. ` +
      `contexts: (${windows}, ${context}, ${size}), targets: (${windows}, ${horizon}, ${size}).`,
    );
  }

  root.addEventListener("input", draw);
  draw();
}
