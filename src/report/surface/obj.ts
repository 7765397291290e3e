import { colourAt, rgb } from "./colours.ts";
import { type PlaneValues, type Solid, solids } from "./solid.ts";
import { asciiLine } from "./vtk.ts";

/** From one surface to the next beside it, in widths. */
const APART = 1.25;

/**
 * A plane for Blender and other programs of meshes: Wavefront OBJ, one object for each data set, side by side, z upwards.
 * Every vertex has the colour of the map; faces run counter-clockwise seen from above. Points without a
 * finite loss are left out, with the faces around them.
 */
export function objFile(title: string, plane: PlaneValues, colours: string): string {
  const lines = [
    `# ${asciiLine(title)}`,
    "# z is upwards; each vertex has x y z and red green blue from 0 to 1",
  ];
  let vertices = 0;
  for (const [k, solid] of solids(plane).entries()) {
    const shift = k * APART;
    lines.push(`# ${solid.split}_loss:`, ...solid.formulas.map((formula) => `#   ${formula}`));
    if (shift > 0) lines.push(`#   and x moved by ${shift}`);
    lines.push(`o ${solid.split}_loss`);
    const numbers = new Map<string, number>();
    const number = (i: number, j: number) => numbers.get(`${i},${j}`);
    for (const i of plane.y.keys()) {
      for (const j of plane.x.keys()) {
        const place = solid.at(i, j);
        if (!place) continue;
        numbers.set(`${i},${j}`, ++vertices);
        lines.push(
          `v ${digits(place[0] + shift)} ${digits(place[1])} ${digits(place[2])} ${colour(solid, i, j, colours)}`,
        );
      }
    }
    lines.push("s 1", ...faces(plane, number));
  }
  return `${lines.join("\n")}\n`;
}

function faces({ x, y }: PlaneValues, number: (i: number, j: number) => number | undefined): string[] {
  const found: string[] = [];
  for (let i = 0; i + 1 < y.length; i++) {
    for (let j = 0; j + 1 < x.length; j++) {
      const corners = [number(i, j), number(i, j + 1), number(i + 1, j + 1), number(i + 1, j)];
      if (corners.every((corner) => corner !== undefined)) found.push(`f ${corners.join(" ")}`);
    }
  }
  return found;
}

function colour(solid: Solid, i: number, j: number, colours: string): string {
  return rgb(colourAt(colours, solid.position(i, j)))
    .map((v) => Number((v / 255).toFixed(4)))
    .join(" ");
}

/** Millionths of the width: finer than any picture. */
function digits(value: number): number {
  return Number(value.toFixed(6));
}
