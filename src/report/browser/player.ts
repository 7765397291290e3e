import { FRAME } from "../figures/animate.ts";
import type { Frames } from "../figures/figure.ts";
import type { Live } from "./readout.ts";

/** Milliseconds that a frame stands. */
const PACE = 700;

/** Slider and play button of a figure with frames; all its panels show the same one. */
export function setUpPlayer(figure: HTMLElement, { labels }: Frames, live: readonly Live[]): void {
  const player = figure.querySelector<HTMLElement>(".player");
  const slider = player?.querySelector("input");
  const label = player?.querySelector("output");
  const button = player?.querySelector("button");
  if (!player || !slider || !label || !button) return;
  const show = (frame: number) => {
    slider.value = String(frame);
    label.textContent = labels[frame] ?? "";
    slider.setAttribute("aria-valuetext", label.textContent);
    for (const { view } of live) void view.signal(FRAME, frame).runAsync();
  };
  let timer: ReturnType<typeof setInterval> | undefined;
  const stop = () => {
    clearInterval(timer);
    timer = undefined;
    button.textContent = "▶ Play";
  };
  const step = () => {
    const next = Number(slider.value) + 1;
    show(next);
    if (next >= labels.length - 1) stop();
  };
  button.addEventListener("click", () => {
    if (timer !== undefined) return stop();
    // From the end it begins again.
    if (Number(slider.value) >= labels.length - 1) show(0);
    button.textContent = "❚❚ Pause";
    timer = setInterval(step, PACE);
  });
  slider.addEventListener("input", () => {
    stop();
    show(Number(slider.value));
  });
  // Who asked for less motion moves the slider.
  button.hidden = matchMedia("(prefers-reduced-motion: reduce)").matches;
  player.hidden = false;
  show(Number(slider.value));
}
