/** A structured grid of legacy VTK, as a reader that knows only the format's description sees it. */
export interface VtkGrid {
  readonly title: string;
  readonly dimensions: readonly number[];
  readonly points: readonly number[];
  readonly scalars: Readonly<Record<string, readonly number[]>>;
  readonly vectors: Readonly<Record<string, readonly number[]>>;
}

/** Reads binary legacy VTK word by word; throws at the first byte that is not as it should be. */
export function parseVtk(bytes: Uint8Array): VtkGrid {
  let offset = 0;
  const line = (): string => {
    const end = bytes.indexOf(10, offset);
    if (end < 0) throw new Error(`no line ends after byte ${offset}`);
    const text = String.fromCharCode(...bytes.subarray(offset, end));
    offset = end + 1;
    return text;
  };
  const expectLine = (pattern: RegExp): string[] => {
    const text = line();
    const found = text.match(pattern);
    if (!found) throw new Error(`${JSON.stringify(text)} does not match ${pattern}`);
    return found.slice(1);
  };
  const doubles = (count: number): number[] => {
    const view = new DataView(bytes.buffer, bytes.byteOffset + offset, 8 * count);
    offset += 8 * count;
    expectLine(/^$/);
    return Array.from({ length: count }, (_, k) => view.getFloat64(8 * k));
  };
  expectLine(/^# vtk DataFile Version 3\.0$/);
  const [title = ""] = expectLine(/^([ -~]{1,255})$/);
  expectLine(/^BINARY$/);
  expectLine(/^DATASET STRUCTURED_GRID$/);
  const dimensions = expectLine(/^DIMENSIONS (\d+) (\d+) (1)$/).map(Number);
  const count = dimensions[0]! * dimensions[1]!;
  expectLine(new RegExp(`^POINTS ${count} double$`));
  const points = doubles(3 * count);
  expectLine(new RegExp(`^POINT_DATA ${count}$`));
  const scalars: Record<string, number[]> = {};
  const vectors: Record<string, number[]> = {};
  while (offset < bytes.length) {
    const [kind, name, components] = expectLine(/^(SCALARS|VECTORS) (\w+) double( 1)?$/);
    if ((kind === "SCALARS") !== (components !== undefined)) throw new Error(`${kind} ${name}`);
    if (kind === "SCALARS") expectLine(/^LOOKUP_TABLE default$/);
    if (kind === "SCALARS") scalars[name!] = doubles(count);
    else vectors[name!] = doubles(3 * count);
  }
  return { title, dimensions, points, scalars, vectors };
}

export interface ObjMesh {
  readonly comments: readonly string[];
  readonly objects: readonly {
    readonly name: string;
    /** x y z red green blue. */
    readonly vertices: readonly (readonly number[])[];
    /** From 0, into the object's own vertices. */
    readonly faces: readonly (readonly number[])[];
  }[];
}

/** Reads Wavefront OBJ with coloured vertices and quadrangles; throws at any other line. */
export function parseObj(text: string): ObjMesh {
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  const comments: string[] = [];
  const objects: { name: string; first: number; vertices: number[][]; faces: number[][] }[] = [];
  let count = 0;
  for (const line of text.slice(0, -1).split("\n")) {
    const [kind, ...words] = line.split(" ");
    const object = objects.at(-1);
    const numbers = words.map(Number);
    if (kind === "#") comments.push(words.join(" "));
    else if (kind === "o") objects.push({ name: words.join(" "), first: count, vertices: [], faces: [] });
    else if (kind === "v" && object && numbers.length === 6 && numbers.every(Number.isFinite)) {
      object.vertices.push(numbers);
      count++;
    } else if (kind === "f" && object && numbers.length === 4) {
      const own = numbers.map((v) => v - 1 - object.first);
      if (own.some((v) => !(v >= 0 && v < object.vertices.length)))
        throw new Error(`${line}: no such vertex`);
      object.faces.push(own);
    } else if (!(kind === "s" && words.join() === "1")) throw new Error(`not understood: ${line}`);
  }
  return { comments, objects };
}
