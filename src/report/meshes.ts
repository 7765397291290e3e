export { viridis } from "./maps.ts";
export { coloursOf } from "./surface/colours.ts";
export { objFile } from "./surface/obj.ts";
export type { PlaneValues } from "./surface/solid.ts";
export { vtkFile } from "./surface/vtk.ts";
