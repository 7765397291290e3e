import { hashOf } from "./unit.ts";
import type { UnitStore } from "./unit-store.ts";

/** A part of a run's store, for one of several models: the same unit of two models is not the same work. */
export function scopedStore(store: UnitStore, model: string): UnitStore {
  return {
    run: hashOf({ run: store.run, model }),
    get: (unit) => store.get(unit),
    put: (unit, result, vectors) => store.put(unit, result, vectors),
    releaseVectors: () => store.releaseVectors(),
  };
}
