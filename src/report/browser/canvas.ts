import type { Point } from "../contours.ts";
import { HALO, type Label, type Scene, SEAM, type Shape } from "../surface/shape.ts";

/** Paints a picture over the whole of a canvas, in the colours of the page as they are now. */
export function paint(canvas: HTMLCanvasElement, scene: Scene, over: readonly Shape[] = []): void {
  const context = canvas.getContext("2d")!;
  const scale = canvas.width / scene.width;
  const colour = themed(canvas);
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, scene.width, scene.height);
  context.lineJoin = "round";
  for (const shape of scene.shapes) draw(context, shape, colour);
  for (const shape of over) draw(context, shape, colour);
}

function draw(context: CanvasRenderingContext2D, shape: Shape, colour: (text: string) => string): void {
  switch (shape.kind) {
    case "label":
      write(context, shape, colour);
      break;
    case "area":
      trace(context, shape.points);
      context.closePath();
      context.fillStyle = context.strokeStyle = shape.fill;
      context.lineWidth = SEAM;
      context.fill();
      context.stroke();
      break;
    case "line":
      trace(context, shape.points);
      context.strokeStyle = colour(shape.stroke);
      context.lineWidth = shape.width;
      context.globalAlpha = shape.opacity ?? 1;
      context.stroke();
      context.globalAlpha = 1;
  }
}

function write(context: CanvasRenderingContext2D, label: Label, colour: (text: string) => string): void {
  const { at, size, weight = 400, angle = 0 } = label;
  context.save();
  context.translate(at[0], at[1]);
  context.rotate((angle * Math.PI) / 180);
  context.font = `${weight} ${size}px system-ui, sans-serif`;
  context.textAlign = label.anchor === "middle" ? "center" : label.anchor;
  if (label.halo) {
    context.strokeStyle = colour(HALO.stroke);
    context.lineWidth = HALO.width;
    context.strokeText(label.text, 0, 0);
  }
  context.fillStyle = colour(label.fill);
  context.fillText(label.text, 0, 0);
  context.restore();
}

function trace(context: CanvasRenderingContext2D, points: readonly Point[]): void {
  context.beginPath();
  for (const [x, y] of points) context.lineTo(x, y);
}

/** A canvas knows no custom properties. */
function themed(canvas: HTMLCanvasElement): (text: string) => string {
  const style = getComputedStyle(canvas);
  const known = new Map<string, string>();
  return (text) => {
    const name = text.match(/^var\((--[a-z]+)\)$/)?.[1];
    if (name === undefined) return text;
    if (!known.has(name)) known.set(name, style.getPropertyValue(name).trim());
    return known.get(name)!;
  };
}
