// A page may hold several sliders, and each brings this script: start those that have not been started.
for (const root of document.querySelectorAll(".nextframe-frames:not([data-started])")) {
  root.dataset.started = "yes";
  const values = JSON.parse(root.dataset.values);
  const slider = root.querySelector("input");
  slider.addEventListener("input", () => {
    root.querySelector("output").textContent = values[slider.value];
    for (const picture of root.querySelectorAll(".frame"))
      picture.style.backgroundPosition = `-${slider.value * picture.dataset.step}px 0`;
  });
}
