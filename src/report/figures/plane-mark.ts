/** What is marked on a plane, in units of its axes. */
export interface PlaneMark {
  readonly kind: "origin" | "train minimum" | "test minimum";
  readonly x: number;
  readonly y: number;
}
