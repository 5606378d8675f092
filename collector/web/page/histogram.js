/** Buckets of the API → bars stacked by level; dragging over them chooses a time range. */
import { html } from "./html.js";
import { count, t } from "./text.js";
import { useEffect, useRef } from "./vendor/hooks.js";
import uPlot from "./vendor/uplot.js";

/** Levels from the foot of a bar to its top, each with what counts as it. */
const LEVELS = ["error", "warn", "info", "debug", "other"];
const ALIASES = { err: "error", fatal: "error", critical: "error", warning: "warn", trace: "debug", notice: "info" };
const HEIGHT = 96; // pixels

/**
 * @param {{buckets: {start: string, count: number, by: Record<string, number>}[], interval: number|null,
 *   onRange: (since: Date, until: Date) => void}} props
 */
export function Histogram({ buckets, interval, onRange }) {
  const box = useRef(null);
  const latest = useRef(onRange);
  latest.current = onRange;
  useEffect(() => {
    const element = /** @type {HTMLElement} */ (/** @type {any} */ (box.current));
    const draw = () => {
      element.replaceChildren();
      if (buckets.length) new uPlot(options(element, buckets, (a, b) => latest.current(a, b)), stacked(buckets, interval), element);
    };
    draw();
    const sizes = new ResizeObserver(draw);
    sizes.observe(element);
    addEventListener("theme", draw);
    return () => {
      sizes.disconnect();
      removeEventListener("theme", draw);
    };
  }, [buckets, interval]);
  const sums = LEVELS.map((level) => [level, buckets.reduce((sum, one) => sum + of(one, level), 0)]);
  return html`
    <figure class="histogram" aria-label=${t("histogram")}>
      <div ref=${box} class="plot" role="img" aria-label=${t("histogram")}></div>
      <figcaption>
        ${sums.filter(([, sum]) => sum).map(([level, sum]) => html`
          <span class="key ${level}"><i></i>${level === "other" ? t("other") : level} ${count(Number(sum))}</span>`)}
      </figcaption>
    </figure>`;
}

/** How many lines of a bucket are of a level. */
function of(bucket, level) {
  const named = Object.entries(bucket.by).filter(([name]) => name && classOf(name) !== "other");
  if (level === "other") return bucket.count - named.reduce((sum, [, value]) => sum + value, 0);
  return named.reduce((sum, [name, value]) => sum + (classOf(name) === level ? value : 0), 0);
}

function classOf(name) {
  const text = name.toLowerCase();
  const known = ALIASES[text] ?? text;
  return LEVELS.includes(known) ? known : "other";
}

/** The columns that uPlot takes: times in seconds, then the whole stack, then what is below each next level. */
function stacked(buckets, interval) {
  const half = (interval ?? 1) / 2;
  const times = buckets.map((one) => Date.parse(one.start) / 1000 + half);
  const columns = LEVELS.map(() => /** @type {number[]} */ ([]));
  for (const one of buckets) {
    let sum = 0;
    LEVELS.forEach((level, at) => columns[LEVELS.length - 1 - at].push((sum += of(one, level))));
  }
  return [times, ...columns];
}

function options(element, buckets, onRange) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const bars = uPlot.paths.bars({ size: [0.9, 40] });
  const series = [...LEVELS].reverse().map((level) => ({
    paths: bars, fill: colour(`bar-${level}`), width: 0, points: { show: false },
  }));
  const axis = { stroke: colour("dim"), grid: { show: false }, ticks: { show: false }, font: "11px system-ui" };
  return {
    width: Math.max(100, element.clientWidth),
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
    scales: { y: { range: (_, __, most) => [0, Math.max(1, most)] } },
    axes: [{ ...axis, size: 20 }, { ...axis, size: 48, values: (_, values) => values.map((one) => (one % 1 ? "" : count(one))) }],
    series: [{}, ...series],
    hooks: {
      setSelect: [(plot) => {
        if (plot.select.width < 4) return;
        const time = (x) => new Date(plot.posToVal(x, "x") * 1000);
        onRange(time(plot.select.left), time(plot.select.left + plot.select.width));
      }],
    },
  };
}
