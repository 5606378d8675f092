/** The values that most of the found lines have: a click keeps them, × (or a click with Alt) leaves them out. */
import { useAnswer } from "./api.js";
import { html } from "./html.js";
import { rangeOf } from "./range.js";
import { count, t } from "./text.js";

const NAMES = ["level", "container", "target", "stream", "host"];

/** @param {{args: Record<string, string>, narrow: (name: string, value: string, without: boolean) => void}} props */
export function Facets({ args, narrow }) {
  const { data } = useAnswer("facets", { q: args.q, ...rangeOf(args), facet: NAMES, values: 8 }, 15);
  if (!data) return null;
  return html`
    <details class="facets" open=${innerWidth > 800}>
      <summary>${t("facets")}</summary>
      ${NAMES.filter((name) => data.facets[name]?.length).map((name) => html`
        <section key=${name} aria-label=${t(name)}>
          <h2>${t(name)}</h2>
          <ul>${data.facets[name].map(({ value, count: many }) => html`
            <li key=${value}>
              <button class="value" title=${t("filterBy", `${name}:${value}`)} aria-label=${t("filterBy", `${name}:${value}`)}
                onClick=${(event) => narrow(name, value, event.altKey)}><span>${value}</span><b>${count(many)}</b></button>
              <button class="without" title=${t("excludeBy", `${name}:${value}`)} aria-label=${t("excludeBy", `${name}:${value}`)}
                onClick=${() => narrow(name, value, true)}>×</button>
            </li>`)}</ul>
        </section>`)}
    </details>`;
}
