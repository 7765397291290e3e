/** Name of the layer that shows what is pointed at: saved pictures leave it out. */
export const CURSOR = "cursor";
