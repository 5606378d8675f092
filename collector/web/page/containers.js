/** The view of containers: those that are there and those that are gone but have lines, each with its health and cost. */
import { useAnswer } from "./api.js";
import { html } from "./html.js";
import { address, narrowed } from "./state.js";
import { count, size, t } from "./text.js";
import { useState } from "./vendor/hooks.js";

const SPARKLINES = 40; // rows that have one: each is a search
const RANGE = "24h";

/** Key of a row → its column: what it is sorted by, and how it is shown. */
const COLUMNS = [
  { key: "name", text: "name" },
  { key: "state", text: "state" },
  { key: "health", text: "health" },
  { key: "failing_streak", text: "streak", show: number },
  { key: "exit_code", text: "exit", show: number },
  { key: "cpu_percent", text: "cpu", show: (value) => (value === null ? "" : `${value.toFixed(1)} %`) },
  { key: "memory_bytes", text: "memory", show: size },
  { key: "found", text: "lineCount", show: number },
  { key: "errors", text: "errors", show: number },
  { key: "log_bytes", text: "logSize", show: size },
];

/** All containers, with what the store has of each. @returns {{rows: any[]|null, error: Error|null}} */
export function useContainers() {
  const { data, error } = useAnswer("containers", {}, 5);
  const recent = useAnswer("facets", { since: RANGE, facet: ["container"], values: 100 }, 30).data;
  const ever = useAnswer("facets", { facet: ["container"], values: 100 }, 30).data;
  const failed = useAnswer("facets", { q: "level:IN [error fatal critical]", since: RANGE, facet: ["container"], values: 100 }, 30).data;
  if (!data) return { rows: null, error };
  const by = (told) => new Map((told?.facets.container ?? []).map((one) => [one.value, one.count]));
  const [lines, errors] = [by(recent), by(failed)];
  const known = new Set(data.containers.map((one) => one.name));
  const gone = (ever?.facets.container ?? []).filter((one) => !known.has(one.value)).map((one) => ({ ...NOTHING, name: one.value }));
  const rows = [...data.containers, ...gone].map((one) => ({
    ...one,
    found: recent ? (lines.get(one.name) ?? 0) : null,
    errors: failed ? (errors.get(one.name) ?? 0) : null,
  }));
  return { rows, error };
}

const NOTHING = {
  id: "", image: "", state: "removed", health: null, failing_streak: null, exit_code: null, cpu_percent: null, memory_bytes: null,
  memory_limit_bytes: null, log_bytes: null, not_followed: "",
};

export function Containers() {
  const { rows, error } = useContainers();
  const [sort, setSort] = useState({ key: "name", down: false });
  if (!rows) return html`<p role="status">${error ? error.message : t("loading")}</p>`;
  if (!rows.length) return html`<p role="status">${t("noContainers")}</p>`;
  const sorted = [...rows].sort((a, b) => compared(a[sort.key], b[sort.key]) * (sort.down ? -1 : 1));
  const by = (key) => setSort({ key, down: sort.key === key ? !sort.down : key !== "name" });
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label=${t("containers")}>
      <table class="containers">
        <thead><tr>
          ${COLUMNS.map(({ key, text }) => html`
            <th key=${key} scope="col" aria-sort=${sort.key === key ? (sort.down ? "descending" : "ascending") : "none"}>
              <button aria-label=${t("sortBy", t(text))} onClick=${() => by(key)}>${t(text)}${key === "found" || key === "errors" ? `, ${RANGE}` : ""}</button>
            </th>`)}
          <th scope="col">${t("rate")}</th>
        </tr></thead>
        <tbody>${sorted.map((row, at) => html`<${Row} key=${`${row.name} ${row.id}`} row=${row} hasLine=${at < SPARKLINES} />`)}</tbody>
      </table>
    </div>`;
}

function Row({ row, hasLine }) {
  return html`
    <tr class=${row.health === "unhealthy" || row.exit_code ? "bad" : ""}>
      ${COLUMNS.map(({ key, show = String }) => {
        const value = row[key] ?? null;
        if (key === "name") {
          return html`<th key=${key} scope="row"><a href=${linkTo(row.name)} title=${row.image}>${row.name}</a>
            ${row.not_followed && html`<small>${row.not_followed}</small>`}</th>`;
        }
        const shown = key === "state" && value === "removed" ? t("removed") : value === null ? "" : show(value);
        return html`<td key=${key} class="${key} ${key === "state" || key === "health" ? value : ""}">${shown}</td>`;
      })}
      <td>${hasLine && html`<${Sparkline} name=${row.name} />`}</td>
    </tr>`;
}

/** The address of a container's lines. @param {string} name */
export function linkTo(name) {
  return address("logs", { q: narrowed("", "container", name), since: RANGE });
}

function Sparkline({ name }) {
  const { data } = useAnswer("histogram", { q: narrowed("", "container", name), since: RANGE, buckets: 48 }, 60);
  if (!data?.buckets.length) return null;
  const counts = data.buckets.map((one) => one.count);
  const most = Math.max(1, ...counts);
  const points = counts.map((one, at) => `${((at * 96) / Math.max(1, counts.length - 1)).toFixed(1)},${(20 - (18 * one) / most).toFixed(1)}`);
  return html`<svg class="spark" viewBox="0 0 96 22" width="96" height="22" role="img" aria-label=${`${t("rate")}: ${count(data.total)}`}>
    <polyline points=${points.join(" ")} /></svg>`;
}

function number(value) {
  return value === null ? "" : count(value);
}

/** What nobody knows stands below all numbers. */
function compared(a, b) {
  const [left, right] = [a ?? -1, b ?? -1];
  return typeof left === typeof right ? (left < right ? -1 : left > right ? 1 : 0) : typeof left === "number" ? -1 : 1;
}
