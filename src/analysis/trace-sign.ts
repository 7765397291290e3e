import type { TraceInfo } from "./analysis-report.ts";

/** Below this multiple of its standard error a trace is not told from zero. */
const RESOLVED = 2;
/** Of ‖H‖: an error below this is small beside the curvatures that cancel in the trace. */
const SMALL = 1e-3;

export type TraceSign = "told" | "zero" | "unknown";

/**
 * Whether a trace is told from zero; where it is not, whether that is what it is (its error is small beside ‖H‖, as where
 * curvatures of both signs cancel exactly) or more probes may tell.
 */
export function traceSign({ value, standardError, frobeniusNorm }: TraceInfo): TraceSign {
  if (Math.abs(value) > RESOLVED * standardError) return "told";
  return standardError <= SMALL * frobeniusNorm ? "zero" : "unknown";
}
