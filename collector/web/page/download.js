/** What a query and a range say → a file; its size is told before it is fetched. */
import { url, useAnswer } from "./api.js";
import { html } from "./html.js";
import { rangeOf } from "./range.js";
import { count, size, t } from "./text.js";
import { useState } from "./vendor/hooks.js";

const FORMATS = { text: "Text", ndjson: "NDJSON", csv: "CSV" };

/** @param {{args: Record<string, string>}} props */
export function Download({ args }) {
  const [isOpen, open] = useState(false);
  const [format, setFormat] = useState("text");
  const asked = { q: args.q, ...rangeOf(args), format };
  const { data, error, isLoading } = useAnswer(isOpen ? "export/size" : null, asked);
  return html`
    <div class="download">
      <button aria-expanded=${isOpen} onClick=${() => open(!isOpen)}>${t("download")}</button>
      ${isOpen && html`<div class="sheet" role="group" aria-label=${t("download")}>
        <label>${t("downloadAs")} <select value=${format} onChange=${(event) => setFormat(event.currentTarget.value)}>
          ${Object.entries(FORMATS).map(([value, name]) => html`<option value=${value}>${name}</option>`)}
        </select></label>
        <p class="size" role="status">${error ? error.message : isLoading || !data ? t("loading") : t("size", count(data.documents), size(data.bytes))}</p>
        ${data && !error && html`<a class="button" href=${url("export", asked)} download>${t("download")}</a>`}
      </div>`}
    </div>`;
}
