import type { ColourMap } from "../maps.ts";
import { pngDataUri } from "../png.ts";
import type { Scale } from "../scales.ts";
import { AXIS_ROOM, vegaScale, wideAxis } from "./axes.ts";
import { type Padding, type Panel, plotWidth } from "./figure.ts";

const padding: Padding = { left: AXIS_ROOM, right: 66, top: 22, bottom: 24 };
const STEPS = 128;

/** The legend of a map: its colours along an axis of the same kind, from the same code as the cells. */
export function colourBar(id: string, title: string, scale: Scale, map: ColourMap): Panel {
  const colours = Array.from({ length: STEPS }, (_, k) => map(k / (STEPS - 1)));
  return {
    id,
    description: `${title}, colour scale from ${scale.domain[0].toPrecision(3)} to ${scale.domain[1].toPrecision(3)}`,
    padding,
    pick: null,
    wide: true,
    datasets: { [`${id}/map`]: [[pngDataUri([colours])]], [`${id}/axis`]: [[scale.domain[0]]] },
    spec: {
      title: { text: title, fontWeight: "normal", fontSize: 12, offset: 6 },
      width: plotWidth(padding),
      height: 14,
      layer: [
        {
          data: { name: `${id}/map` },
          mark: {
            type: "image",
            aspect: false,
            x: 0,
            y: 0,
            align: "left",
            baseline: "top",
            width: { expr: "width" },
            height: { expr: "height" },
            aria: false,
          },
          encoding: { url: { field: "0", type: "nominal" } },
        },
        {
          data: { name: `${id}/axis` },
          mark: { type: "point", opacity: 0, aria: false },
          encoding: {
            x: {
              field: "0",
              type: "quantitative",
              scale: vegaScale(scale),
              axis: wideAxis(scale, plotWidth(padding), null),
            },
          },
        },
      ],
    },
  };
}
