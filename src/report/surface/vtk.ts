import { type PlaneValues, type Solid, solids } from "./solid.ts";

/** A title is one line of at most 255 characters; names may hold anything. */
const TITLE = 255;

/**
 * A plane for ParaView and others of its kind: legacy VTK, structured grid, binary doubles, big-endian. Points lie at
 * (α, β, 0), α fastest. Losses and accuracies are scalars, NaN where there is none. The vectors `train_surface` and
 * `test_surface` lead from the points to the surface of the report's picture: "Warp By Vector" with factor 1 shows it,
 * with holes where the loss is not finite.
 */
export function vtkFile(title: string, plane: PlaneValues): Uint8Array<ArrayBuffer> {
  const { x, y } = plane;
  const points = y.flatMap((b) => x.flatMap((a) => [a, b, 0]));
  const parts: (string | readonly number[])[] = [
    `# vtk DataFile Version 3.0\n${asciiLine(title)}\nBINARY\nDATASET STRUCTURED_GRID\n`,
    `DIMENSIONS ${x.length} ${y.length} 1\nPOINTS ${x.length * y.length} double\n`,
    points,
    `\nPOINT_DATA ${x.length * y.length}\n`,
    ...scalars(plane).flatMap(([name, values]) => [
      `SCALARS ${name} double 1\nLOOKUP_TABLE default\n`,
      values,
      "\n",
    ]),
    ...solids(plane).flatMap((solid) => [
      `VECTORS ${solid.split}_surface double\n`,
      displacements(plane, solid),
      "\n",
    ]),
  ];
  return joined(parts);
}

function scalars({ train, test }: PlaneValues): [name: string, values: number[]][] {
  const named = [
    ["train_loss", train.loss],
    ["train_accuracy", train.accuracy],
    ["test_loss", test?.loss],
    ["test_accuracy", test?.accuracy],
  ] as const;
  return named.flatMap(([name, rows]): [string, number[]][] =>
    rows ? [[name, rows.flatMap((row) => row.map((v) => v ?? Number.NaN))]] : [],
  );
}

function displacements({ x, y }: PlaneValues, solid: Solid): number[] {
  return y.flatMap((b, i) =>
    x.flatMap((a, j) => {
      const place = solid.at(i, j);
      return place ? [place[0] - a, place[1] - b, place[2]] : [Number.NaN, Number.NaN, Number.NaN];
    }),
  );
}

/** A name as one line of ASCII. */
export function asciiLine(text: string): string {
  return text.replace(/[^ -~]+/g, "?").slice(0, TITLE);
}

function joined(parts: readonly (string | readonly number[])[]): Uint8Array<ArrayBuffer> {
  const pieces = parts.map((part) =>
    typeof part === "string" ? new TextEncoder().encode(part) : doubles(part),
  );
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    all.set(piece, offset);
    offset += piece.length;
  }
  return all;
}

function doubles(values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 * values.length));
  for (const [k, value] of values.entries()) view.setFloat64(8 * k, value);
  return new Uint8Array(view.buffer);
}
