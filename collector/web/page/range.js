/** The time range of a view: a duration before now, two times, or everything. */
import { html } from "./html.js";
import { t } from "./text.js";

const USUAL = "1h";
const PRESETS = { "15m": "last15m", "1h": "last1h", "6h": "last6h", "24h": "last24h", "7d": "last7d", all: "all" };

/** What the API is asked for a view's range. @param {Record<string, string>} args @returns {{since: string, until: string}} */
export function rangeOf(args) {
  const since = args.since || (args.until ? "" : USUAL);
  return { since: since === "all" ? "" : since, until: args.until ?? "" };
}

/** @param {{args: Record<string, string>, set: (changed: Record<string, string>) => void}} props */
export function Range({ args, set }) {
  const chosen = args.until || !(args.since === undefined || args.since in PRESETS) ? "custom" : args.since || USUAL;
  const choose = (event) => {
    const value = event.currentTarget.value;
    if (value !== "custom") set({ since: value, until: "" });
    else set({ since: new Date(Date.now() - 3600_000).toISOString(), until: new Date().toISOString() });
  };
  const given = (name) => (event) => {
    const when = new Date(event.currentTarget.value);
    set({ [name]: Number.isNaN(when.getTime()) ? "" : when.toISOString() });
  };
  return html`
    <label class="range"><span class="hidden">${t("range")}</span>
      <select value=${chosen} onChange=${choose}>
        ${Object.entries(PRESETS).map(([value, key]) => html`<option value=${value} selected=${value === chosen}>${t(key)}</option>`)}
        <option value="custom" selected=${chosen === "custom"}>${t("custom")}</option>
      </select>
    </label>
    ${chosen === "custom" && html`
      <label class="when">${t("from")} <input type="datetime-local" step="1" value=${local(args.since)} onChange=${given("since")} /></label>
      <label class="when">${t("to")} <input type="datetime-local" step="1" value=${local(args.until)} onChange=${given("until")} /></label>`}`;
}

/** A time as the browser's field has it. */
function local(iso) {
  const when = new Date(iso ?? "");
  if (Number.isNaN(when.getTime())) return "";
  return new Date(when.getTime() - when.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
