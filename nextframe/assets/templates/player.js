// A page may hold several players, and each brings this script: start those that have not been started.
for (const root of document.querySelectorAll(".nextframe-player:not([data-started])")) {
  root.dataset.started = "yes";
  const [video, bar, button, slider, output] = ["video", ".bar", "button", "input", "output"].map((part) => root.querySelector(part));
  const fps = Number(root.dataset.fps);
  const show = () => {
    output.textContent = `${Number(slider.value) + 1} of ${Number(slider.max) + 1}`;
    slider.setAttribute("aria-valuetext", output.textContent);
  };
  const follow = () => {
    slider.value = Math.floor(video.currentTime * fps + 0.01);
    show();
  };
  const name = () => (button.textContent = video.paused ? "Play" : "Pause");
  // The browser's own controls would lie on the frames: these are below them.
  video.controls = false;
  bar.hidden = false;
  video.addEventListener("timeupdate", follow);
  for (const event of ["play", "pause"]) video.addEventListener(event, name);
  // Refused, or paused before it began: the button says so, and the first frame is shown.
  const play = () => video.play().catch(() => (video.preload = "auto"));
  button.addEventListener("click", () => (video.paused ? play() : video.pause()));
  slider.addEventListener("input", () => {
    video.pause();
    video.preload = "auto";
    video.currentTime = (Number(slider.value) + 0.5) / fps; // the middle of the frame
    show();
  });
  name();
  show();
  // Videos start by themselves, but not for readers who have asked their system for less motion: they see the first frame.
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) play();
  else if (!video.poster) video.preload = "auto";
}
